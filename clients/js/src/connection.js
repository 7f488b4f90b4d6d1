/** One HTTP reply read as a stream of frames, until it ends, falls silent, or says `bye`. */
import { Problem, problemOf } from "./problem.js";
import { SseParser } from "./sse.js";
import { Watchdog } from "./watchdog.js";
/** @import {Frame} from "./types.d.ts" */

const SILENCE_MS = 8_500; // almost three heartbeats
const CHECK_MS = 1_000;

export class Connection {
  #hooks;
  #controller = new AbortController();
  #watchdog = new Watchdog(SILENCE_MS, performance.now(), Date.now());
  #reason = "ended";
  /** What the server last asked for. @type {number | undefined} */
  retry;
  /** Whether there was a `hello`. */
  greeted = false;

  /** `heard`: anything came. `tick`: each second. @param {{frames(frames: Frame[]): void, heard(): void, tick(): void}} hooks */
  constructor(hooks) {
    this.#hooks = hooks;
  }

  /** @param {string} reason */
  end(reason) {
    this.#reason = reason;
    this.#controller.abort();
  }

  /** It has to show a sign of life soon. */
  doubt() {
    this.#watchdog.doubt(performance.now());
  }

  /** Why it ended. @param {(init: RequestInit) => Promise<Response>} open @throws {Problem} it was refused */
  async run(open) {
    const timer = setInterval(() => this.#check(), CHECK_MS);
    try {
      const headers = { Accept: "text/event-stream" };
      const response = await open({ headers, signal: this.#controller.signal });
      if (response.status !== 200) throw await problemOf(response);
      if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) return "no_stream";
      if (response.body) await this.#read(response.body.getReader());
    } catch (error) {
      if (error instanceof Problem) throw error; // anything else is a broken connection
    } finally {
      clearInterval(timer);
      this.#controller.abort();
    }
    return this.#reason;
  }

  /** @param {ReadableStreamDefaultReader<Uint8Array>} reader */
  async #read(reader) {
    const parser = new SseParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.#controller.signal.aborted) return;
      this.#watchdog.heard(performance.now());
      this.#hooks.heard();
      const frames = parser.push(value).map((event) => ({ ...event, data: JSON.parse(event.data) }));
      this.retry = parser.retry ?? this.retry;
      if (frames.length) this.#take(frames);
    }
  }

  /** @param {Frame[]} frames */
  #take(frames) {
    this.greeted ||= frames.some(({ type }) => type === "hello");
    this.#hooks.frames(frames);
    const bye = frames.find(({ type }) => type === "bye");
    if (bye) this.end(bye.data.reason); // the server closes too, but its end may not reach us
  }

  #check() {
    this.#hooks.tick();
    // Who stood still looks once more: what came meanwhile is read after this timer.
    if (this.#isSilent) setTimeout(() => this.#isSilent && this.end("silent"));
  }

  get #isSilent() {
    return !this.#controller.signal.aborted && this.#watchdog.isDead(performance.now(), Date.now());
  }
}
