/**
 * Leave to read one video, fetched only where the server wants it, and again before it ends.
 *
 * The end of a ticket is a time of the server. A wrong clock here costs a request for each stream or
 * a stream that is sent away with `bye` expired, after which there is another ticket: never more.
 */

const FRESH = 0.8; // of its life; a stream ends within the last tenth
const UNKNOWN_LIFE_MS = 600_000;

export class Tickets {
  #http;
  #path;
  #needed = false;
  /** @type {{ticket: string, staleAt: number} | undefined} */
  #kept;
  #fetching = false;

  /** @param {import("./http.js").Http} http @param {string} path  `/v1/videos/{video_id}` */
  constructor(http, path) {
    this.#http = http;
    this.#path = path;
  }

  /** The server has asked for one. */
  require() {
    this.#needed = true;
    this.#kept = undefined;
  }

  /** The one that we have is over. */
  drop() {
    this.#kept = undefined;
  }

  /**
   * One that is good for a while, or undefined where none is needed.
   *
   * @param {AbortSignal} [signal]
   * @throws {import("./problem.js").Problem}
   */
  async current(signal) {
    if (this.#needed && this.#isStale()) await this.#fetch(signal);
    return this.#kept?.ticket;
  }

  /** Fetch the next one in good time, while a stream is open: so its end costs no request. */
  async keepFresh() {
    if (!this.#needed || this.#fetching || !this.#isStale()) return;
    this.#fetching = true;
    try {
      await this.#fetch();
    } catch {
      // It is tried again when a stream needs it, where a failure is told.
    } finally {
      this.#fetching = false;
    }
  }

  #isStale() {
    return this.#kept === undefined || performance.now() >= this.#kept.staleAt;
  }

  /** @param {AbortSignal} [signal] */
  async #fetch(signal) {
    const { body } = await this.#http.call("POST", `${this.#path}/tickets`, { signal });
    const toldMs = Date.parse(body.expires_at) - Date.now();
    const lifeMs = toldMs > 0 ? toldMs : UNKNOWN_LIFE_MS; // over already: our clock is wrong
    this.#kept = { ticket: body.ticket, staleAt: performance.now() + lifeMs * FRESH };
  }
}
