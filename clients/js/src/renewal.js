/**
 * After a gap that nothing fills: the newest comments, asked for until somebody answers. Until then
 * what is shown stays, although some of it may have been removed: a screen that is empty helps nobody.
 */
import { isLasting } from "./problem.js";
import { retryDelay, sleep } from "./waits.js";

export class Renewal {
  #ask;
  #giveUp;
  /** Up to this number what is shown is in doubt. @type {number | undefined} */
  #through;
  /** While it is asked for. @type {AbortController | undefined} */
  #turn;

  /**
   * @param {(through: number, signal: AbortSignal) => Promise<void>} ask reads and shows them, if not aborted meanwhile
   * @param {(through: number) => void} giveUp they may not be read
   */
  constructor(ask, giveUp) {
    this.#ask = ask;
    this.#giveUp = giveUp;
  }

  /** @param {number} through */
  begin(through) {
    this.rest();
    this.#through = through;
    this.go();
  }

  /** If anything is in doubt. */
  go() {
    if (this.#through !== undefined && !this.#turn) void this.#run(this.#through, (this.#turn = new AbortController()));
  }

  /** Until `go`: nobody reads. */
  rest() {
    this.#turn?.abort();
    this.#turn = undefined;
  }

  /** Nothing is in doubt any more. */
  end() {
    this.rest();
    this.#through = undefined;
  }

  /** @param {number} through @param {AbortController} turn */
  async #run(through, { signal }) {
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await this.#ask(through, signal);
        return signal.aborted || this.end();
      } catch (/** @type {any} */ problem) {
        if (signal.aborted) return;
        if (isLasting(problem)) return this.end(), this.#giveUp(through);
        await sleep(retryDelay(problem.retryAfter, failures), signal);
      }
    }
  }
}
