/**
 * The stream of one video, opened again after every end, from where its reader has come to.
 *
 * It decides when: after the server's `retry` with full jitter, longer after each failure, at once
 * with another ticket. What the frames mean is the reader's business.
 */
import { Connection } from "./connection.js";
import { Problem } from "./problem.js";
import { reconnectDelay, sleep } from "./waits.js";

const RETRY_MS = 2_000; // until the server has said
const STAY_AWAY = ["shed", "unavailable"];

/**
 * @typedef {object} Reader
 * @property {() => string | undefined} cursor  where the next connection begins
 * @property {(frames: import("./connection.js").Frame[]) => void} frames
 * @property {(reason: string) => void} lost  it ended, and will be opened again
 * @property {(problem: Problem) => void} refused  it will not be opened again
 * @property {() => void} [heard]
 * @property {(count: number) => Promise<void>} [begin]  read a page first, where the source cannot tell so many
 */

export class Stream {
  #http;
  #path;
  #tickets;
  #replay;
  #reader;
  #retryMs = RETRY_MS;
  /** @type {Connection | undefined} */
  #connection;
  #stop = new AbortController();
  #pause = new AbortController();

  /**
   * @param {import("./http.js").Http} http
   * @param {string} path  `/v1/videos/{video_id}`
   * @param {import("./tickets.js").Tickets} tickets
   * @param {number} replay
   * @param {Reader} reader
   */
  constructor(http, path, tickets, replay, reader) {
    this.#http = http;
    this.#path = path;
    this.#tickets = tickets;
    this.#replay = replay;
    this.#reader = reader;
  }

  /** Once; a stream that was stopped is not started again. */
  start() {
    void this.#run();
  }

  stop() {
    this.#stop.abort();
    this.#pause.abort();
    this.#connection?.end("stopped");
  }

  /** From the reader's cursor again. */
  restart() {
    this.#connection?.end("restart");
  }

  /** Something has changed (a network, a tab that woke up): do not wait, and do not trust. */
  poke() {
    this.#pause.abort();
    this.#connection?.doubt();
  }

  async #run() {
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      try {
        const { reason, greeted } = await this.#once();
        failures = greeted ? 0 : failures + 1;
        if (!this.#stop.signal.aborted) await this.#wait(reason, failures);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        const problem = /** @type {Problem} */ (error);
        if (!problem.passing && problem.status < 500) return this.#reader.refused(problem);
        await this.#wait(problem.code, ++failures, problem.retryAfter);
      }
    }
  }

  /** @param {string} reason @param {number} failures @param {number} [afterS]  as a reply said */
  async #wait(reason, failures, afterS) {
    this.#reader.lost(reason);
    if (reason === "restart" || (reason === "expired" && failures < 2)) return;
    const base = afterS === undefined ? this.#retryMs : afterS * 1000;
    const asked = afterS !== undefined || STAY_AWAY.includes(reason);
    this.#pause = new AbortController();
    if (this.#stop.signal.aborted) return; // by a listener of `lost`
    await sleep(reconnectDelay(base, Math.max(0, failures - 1), asked), this.#pause.signal);
  }

  async #once() {
    try {
      return await this.#connect();
    } catch (error) {
      if (!(error instanceof Problem && error.code.startsWith("ticket_"))) throw error;
      this.#tickets.require();
      return await this.#connect();
    }
  }

  async #connect() {
    const ticket = await this.#tickets.current(this.#stop.signal);
    const cursor = this.#reader.cursor();
    const replay = cursor === undefined ? this.#replay : undefined;
    // In the query: a header of that name costs a preflight from another origin.
    const url = this.#http.url(`${this.#path}/stream`, { last_event_id: cursor, replay, ticket });
    const connection = new Connection({
      frames: (frames) => this.#current(connection) && this.#reader.frames(frames),
      heard: this.#reader.heard,
      tick: () => void this.#tickets.keepFresh(),
    });
    this.#connection = connection;
    if (this.#stop.signal.aborted) connection.end("stopped");
    const reason = await connection.run((init) => this.#http.send(url, init));
    this.#retryMs = connection.retry ?? this.#retryMs;
    if (reason === "expired") this.#tickets.drop();
    return { reason, greeted: connection.greeted };
  }

  /** @param {Connection} connection */
  #current(connection) {
    return this.#connection === connection && !this.#stop.signal.aborted;
  }
}
