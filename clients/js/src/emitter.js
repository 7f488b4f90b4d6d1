/**
 * Typed events: `on`, `once` and `off`, as in Node's EventEmitter.
 *
 * @template {Record<string, any[]>} Events  name -> arguments of its listeners
 */
export class Emitter {
  /** @type {Map<keyof Events, Map<Function, boolean>>} listener -> whether it is called once */
  #listeners = new Map();

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(...args: Events[Name]) => void} listener
   */
  on(name, listener) {
    return this.#add(name, listener, false);
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(...args: Events[Name]) => void} listener  called for the next event only
   */
  once(name, listener) {
    return this.#add(name, listener, true);
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(...args: Events[Name]) => void} [listener]  all of this event if left out
   */
  off(name, listener) {
    if (listener) this.#listeners.get(name)?.delete(listener);
    else this.#listeners.delete(name);
    return this;
  }

  /**
   * @protected
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {Events[Name]} args
   */
  emit(name, ...args) {
    for (const [listener, once] of [...(this.#listeners.get(name) ?? [])]) {
      if (once) this.#listeners.get(name)?.delete(listener);
      try {
        listener(...args);
      } catch (error) {
        // A listener's mistake must not break the stream for the others, nor be hidden.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  /**
   * @param {keyof Events} name
   * @param {Function} listener
   * @param {boolean} once
   */
  #add(name, listener, once) {
    const listeners = this.#listeners.get(name) ?? new Map();
    this.#listeners.set(name, listeners.set(listener, once));
    return this;
  }
}
