/**
 * The stream of one video, opened again after every end, from where its reader has come to.
 *
 * It decides when: after the server's `retry` with full jitter, later after each failure, at once
 * with another ticket. What the frames mean is the reader's business.
 */
import { Connection } from "./connection.js";
import { Problem, isLasting } from "./problem.js";
import { reconnectDelay, sleep } from "./waits.js";
/** @import {Reader, Source} from "./types.d.ts" */

const RETRY_MS = 2_000; // until the server has said
const FULL = ["shed", "unavailable"];

/** @implements {Source} */
export class Stream {
  #http;
  #tickets;
  #replay;
  #reader;
  #retryMs = RETRY_MS;
  /** @type {Connection | undefined} */
  #connection;
  #stop = new AbortController();
  #pause = new AbortController();

  /**
   * @param {import("./http.js").Http} http @param {import("./tickets.js").Tickets} tickets
   * @param {number} replay @param {Reader} reader
   */
  constructor(http, tickets, replay, reader) {
    this.#http = http;
    this.#tickets = tickets;
    this.#replay = replay;
    this.#reader = reader;
  }

  async start() {
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      try {
        const { reason, greeted } = await this.#once();
        failures = greeted ? 0 : failures + 1;
        await this.#wait(reason, failures);
      } catch (cause) {
        if (this.#stop.signal.aborted) return;
        if (isLasting(cause)) return this.#reader.refused(/** @type {Problem} */ (cause));
        // A reply that nobody expects is no reason to stop without a word.
        const { code, retryAfter } = cause instanceof Problem ? cause : new Problem("failed", 0, { cause });
        await this.#wait(code, ++failures, retryAfter);
      }
    }
  }

  stop() {
    this.#stop.abort();
    this.poke();
    this.#connection?.end("stopped");
  }

  restart() {
    this.#connection?.end("restart");
  }

  poke() {
    this.#pause.abort();
    this.#connection?.doubt();
  }

  /** @param {string} reason @param {number} failures @param {number} [afterS] as a reply said */
  async #wait(reason, failures, afterS) {
    if (this.#stop.signal.aborted) return;
    this.#pause = new AbortController();
    this.#reader.lost(reason);
    if (reason === "restart" || (reason === "expired" && failures < 2)) return;
    const retryMs = afterS === undefined ? this.#retryMs : afterS * 1000;
    const asked = afterS !== undefined || FULL.includes(reason);
    await sleep(reconnectDelay(retryMs, Math.max(0, failures - 1), asked), this.#pause.signal);
  }

  async #once() {
    try {
      return await this.#connect();
    } catch (error) {
      if (!(error instanceof Problem && error.code.startsWith("ticket_"))) throw error;
      this.#tickets.require();
      return this.#connect();
    }
  }

  async #connect() {
    const ticket = await this.#tickets.current(this.#stop.signal);
    const cursor = this.#reader.cursor();
    const replay = cursor === undefined ? this.#replay : undefined;
    // In the query: a header of that name costs a preflight from another origin.
    const url = this.#http.url("/stream", { last_event_id: cursor, replay, ticket });
    const connection = (this.#connection = new Connection({
      frames: (frames) => this.#stop.signal.aborted || this.#reader.frames(frames),
      heard: () => this.#reader.heard?.(),
      tick: () => void this.#tickets.keepFresh(),
    }));
    if (this.#stop.signal.aborted) connection.end("stopped");
    const reason = await connection.run((init) => this.#http.send(url, init));
    this.#retryMs = connection.retry ?? this.#retryMs;
    if (reason === "expired") this.#tickets.drop(ticket);
    return { reason, greeted: connection.greeted };
  }
}
