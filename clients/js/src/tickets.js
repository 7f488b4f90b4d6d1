/**
 * Leave to read one video: fetched only where the server wants it, and again before it ends.
 *
 * The end of a ticket is a time of the server. A wrong clock here costs a request for each stream, or
 * a stream that is sent away with `bye` expired, after which there is another ticket: never more.
 */
const FRESH = 0.8; // of its life; a stream ends within the last tenth
const UNKNOWN_LIFE_MS = 600_000;

export class Tickets {
  #http;
  #needed = false;
  /** @type {{ticket: string, staleAt: number} | undefined} */
  #kept;
  #fetching = false;

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
    if (this.#fetching || !this.#stale) return;
    this.#fetching = true;
    // If it fails: it is tried again, at the latest when a stream needs it, where that is told.
    await this.#fetch().catch(() => {});
    this.#fetching = false;
  }

  get #stale() {
    return this.#needed && !(this.#kept && performance.now() < this.#kept.staleAt);
  }

  /** @param {AbortSignal} [signal] */
  async #fetch(signal) {
    const { body } = await this.#http.call("POST", "/tickets", { signal });
    const toldMs = Date.parse(body.expires_at) - Date.now();
    const lifeMs = toldMs > 0 ? toldMs : UNKNOWN_LIFE_MS; // over already: our clock is wrong
    this.#kept = { ticket: body.ticket, staleAt: performance.now() + lifeMs * FRESH };
  }
}
