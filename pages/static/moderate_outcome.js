/** What became of what a moderator did, in one line; and the way back. */

import { get, make } from "./dom.js";
import { say } from "./messages.js";
import { explainCall } from "./moderate_problems.js";

/** @typedef {{at: number, text: string, undo: () => Promise<unknown>}} Done */

const KEPT = 50;

export class Outcome {
  /** In the order in which they were begun, which is that of whoever takes them back. @type {Done[]} */
  #done = [];
  #begun = 0;
  /** Calls under way: what they do is undone after them. @type {Set<Promise<unknown>>} */
  #running = new Set();
  /** @type {Promise<void>} */
  #undoing = Promise.resolve();
  #line = get("outcome");
  #button = get("undo", HTMLButtonElement);

  constructor() {
    this.#button.append(say("act.undo"), make("kbd", "", "u"));
    this.#button.onclick = () => void this.undo();
    this.tell(say("select"));
    this.#draw();
  }

  /**
   * Do something, and say so; undefined if it was refused.
   * @template T
   * @param {() => Promise<T>} act
   * @param {string | ((result: T) => string)} text
   * @param {(result: T) => Promise<unknown>} [undo] left out if nothing can
   * @param {Record<string, string>} [meanings] of refusals, by their codes
   * @returns {Promise<T | undefined>}
   */
  async do(act, text, undo, meanings) {
    const at = this.begin();
    try {
      const result = await this.track(act());
      const said = typeof text === "string" ? text : text(result);
      this.done(at, said, undo && (() => undo(result)));
      return result;
    } catch (problem) {
      this.refuse(problem, meanings);
      return undefined;
    }
  }

  /** Something is being done: its place among what can be undone, for `done`. */
  begin() {
    return ++this.#begun;
  }

  /** It was done. @param {number} at @param {string} text @param {() => Promise<unknown>} [undo] left out if nothing can */
  done(at, text, undo) {
    if (undo) this.#keep({ at, text, undo });
    this.tell(text, "done");
    this.#draw();
  }

  /** @param {Done} done */
  #keep(done) {
    this.#done.push(done);
    this.#done.sort((one, other) => one.at - other.at); // calls may end in another order
    if (this.#done.length > KEPT) this.#done.shift();
  }

  /** A call that does something. @template T @param {Promise<T>} call @returns {Promise<T>} itself */
  track(call) {
    const end = () => this.#running.delete(call);
    this.#running.add(call);
    call.then(end, end);
    return call;
  }

  /** One after the other, however fast the key is struck. */
  undo() {
    this.#undoing = this.#undoing.catch(() => {}).then(() => this.#undo());
    return this.#undoing;
  }

  async #undo() {
    await Promise.allSettled(this.#running);
    const last = this.#done.pop();
    if (!last) return this.tell(say("undo.none"));
    try {
      await last.undo();
      this.tell(say("undone", { what: last.text }), "done");
    } catch (problem) {
      this.#keep(last);
      this.refuse(problem);
    }
    this.#draw();
  }

  /** @param {unknown} problem @param {Record<string, string>} [meanings] */
  refuse(problem, meanings) {
    this.tell(explainCall(problem, meanings), "bad");
  }

  /** @param {string} text @param {string} [kind] */
  tell(text, kind = "") {
    this.#line.className = kind;
    this.#line.textContent = text;
  }

  #draw() {
    this.#button.setAttribute("aria-disabled", String(!this.#done.length));
  }
}
