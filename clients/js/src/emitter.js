/** Typed events, as in Node's EventEmitter. @template {Record<string, any[]>} Events name -> arguments */
export class Emitter {
  /** @type {Map<keyof Events, Map<Function, boolean>>} listener -> whether it is called once */
  #listeners = new Map();

  /** @template {keyof Events} Name @param {Name} name @param {(...args: Events[Name]) => void} listener */
  on(name, listener, once = false) {
    const listeners = this.#listeners.get(name) ?? new Map();
    // Who listens on goes on listening.
    this.#listeners.set(name, listeners.set(listener, once && listeners.get(listener) !== false));
    return this;
  }

  /** @template {keyof Events} Name @param {Name} name @param {(...args: Events[Name]) => void} listener */
  once(name, listener) {
    return this.on(name, listener, true);
  }

  /** @template {keyof Events} Name @param {Name} name @param {(...args: Events[Name]) => void} [listener] */
  off(name, listener) {
    if (listener) this.#listeners.get(name)?.delete(listener);
    else this.#listeners.delete(name);
    return this;
  }

  /** @protected @template {keyof Events} Name @param {Name} name @param {Events[Name]} args */
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
}
