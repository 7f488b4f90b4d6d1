/**
 * Leave to read one video: fetched only where the server wants it, and again before it ends.
 *
 * The end of a ticket is a time of the server. A wrong clock here costs a request for each stream, or
 * a stream that is sent away with `bye` expired, after which there is another ticket: never more.
 */
import { isLasting } from "./problem.js";

const FRESH = 0.7; // of its life, and up to SPREAD more; a stream ends within the last tenth
const SPREAD = 0.15; // so that not all who came at once are back at once
const MAX_DELAY_MS = 60_000; // there are hours left, and many who ask
const UNKNOWN_LIFE_MS = 600_000;

export class Tickets {
  #http;
  #needed = false;
  /** @type {{ticket: string, staleAt: number} | undefined} */
  #kept;
  #fetching = false;
  #failures = 0;
  #askAgainAt = 0;

  /** @param {import("./http.js").Http} http */
  constructor(http) {
    this.#http = http;
  }

  /** The server wants one. */
  require() {
    this.#needed = true;
    this.#kept = undefined;
  }

  /** This one is over; there may be another one by now. @param {string | undefined} ticket */
  drop(ticket) {
    if (this.#kept?.ticket === ticket) this.#kept = undefined;
  }

  /** One that is good for a while; undefined where none is needed. @param {AbortSignal} signal */
  async current(signal) {
    if (this.#stale) await this.#fetch(signal);
    return this.#kept?.ticket;
  }

  /** While a stream is open, so that the end of its ticket costs no request. */
  async keepFresh() {
    if (this.#fetching || !this.#stale || performance.now() < this.#askAgainAt) return;
    this.#fetching = true;
    await this.#fetch().catch((problem) => this.#failed(problem));
    this.#fetching = false;
  }

  /** It is tried again, at the latest when a stream needs it, where that is told. @param {any} problem */
  #failed(problem) {
    const delayMs = Math.random() * Math.min(MAX_DELAY_MS, 2_000 * 2 ** this.#failures++);
    const leastMs = 1_000 * (problem.retryAfter ?? 0);
    this.#askAgainAt = isLasting(problem) ? Infinity : performance.now() + leastMs + delayMs;
  }

  get #stale() {
    return this.#needed && !(this.#kept && performance.now() < this.#kept.staleAt);
  }

  /** @param {AbortSignal} [signal] */
  async #fetch(signal) {
    const { body } = await this.#http.call("POST", "/tickets", { signal });
    const toldMs = Date.parse(body.expires_at) - Date.now();
    const lifeMs = toldMs > 0 ? toldMs : UNKNOWN_LIFE_MS; // over already: our clock is wrong
    const freshMs = lifeMs * (FRESH + Math.random() * SPREAD);
    this.#kept = { ticket: body.ticket, staleAt: performance.now() + freshMs };
    this.#failures = this.#askAgainAt = 0;
  }
}
