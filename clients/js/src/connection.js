/** One HTTP reply read as a stream of frames, until it ends, is given up, or says `bye`. */
import { problemOf } from "./problem.js";
import { SseParser } from "./sse.js";
import { Watchdog } from "./watchdog.js";

const SILENCE_MS = 8_500; // almost three heartbeats of 3 s
const CHECK_MS = 1_000;

/** @typedef {{type: string, id: string, data: any}} Frame */
/**
 * @typedef {object} Hooks
 * @property {(frames: Frame[]) => void} frames  what came together
 * @property {() => void} [heard]  anything came, heartbeats too
 * @property {() => void} [tick]  each second while it is open
 */

export class Connection {
  #hooks;
  #controller = new AbortController();
  #watchdog = new Watchdog(SILENCE_MS, performance.now(), Date.now());
  #reason = "ended";
  /** What the server last asked for. @type {number | undefined} */
  retry;
  /** Whether there was a `hello`: the server let us in. */
  greeted = false;

  /** @param {Hooks} hooks */
  constructor(hooks) {
    this.#hooks = hooks;
  }

  /** End it. @param {string} reason */
  end(reason) {
    this.#reason = reason;
    this.#controller.abort();
  }

  /** It may be dead: it has to show a sign of life soon. */
  doubt() {
    this.#watchdog.doubt(performance.now());
  }

  /**
   * Why it ended. Never ends before it has to.
   *
   * @param {(init: RequestInit) => Promise<Response>} open
   * @returns {Promise<string>}
   * @throws {import("./problem.js").Problem} the server refused it
   */
  async run(open) {
    const timer = setInterval(() => this.#check(), CHECK_MS);
    try {
      const headers = { Accept: "text/event-stream" };
      const response = await open({ headers, signal: this.#controller.signal });
      if (response.status !== 200) throw await problemOf(response);
      if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) return "no_stream";
      if (response.body) await this.#read(response.body.getReader());
    } catch (error) {
      if (error instanceof Error && error.name === "Problem") throw error;
    } finally {
      clearInterval(timer);
      this.#controller.abort();
    }
    return this.#reason;
  }

  /** @param {ReadableStreamDefaultReader<Uint8Array>} reader */
  async #read(reader) {
    const parser = new SseParser();
    while (!this.#controller.signal.aborted) {
      const { done, value } = await reader.read();
      if (done || this.#controller.signal.aborted) return;
      this.#watchdog.heard(performance.now());
      this.#hooks.heard?.();
      const frames = parser.push(value).map(({ type, id, data }) => ({ type, id, data: JSON.parse(data) }));
      this.retry = parser.retry ?? this.retry;
      if (frames.length) this.#take(frames);
    }
  }

  /** @param {Frame[]} frames */
  #take(frames) {
    this.greeted ||= frames.some(({ type }) => type === "hello");
    this.#hooks.frames(frames);
    const bye = frames.find(({ type }) => type === "bye");
    if (bye) this.end(bye.data?.reason ?? "bye"); // the server closes too, but may be cut off first
  }

  #check() {
    this.#hooks.tick?.();
    if (this.#watchdog.isDead(performance.now(), Date.now())) this.end("silent");
  }
}
