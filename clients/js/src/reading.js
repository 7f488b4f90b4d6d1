/**
 * One reading of a video, from `open` to `close`: what the source brings, in order and whole.
 *
 * Frames are dealt with one after the other. While a hole is filled from the log, what comes after
 * it waits: at most MOST_WAITING frames, then the stream begins again where the reader has come to.
 */
import { fill } from "./fill.js";
import { place } from "./log.js";

const MOST_WAITING = 10_000;

/** @typedef {import("./connection.js").Frame} Frame */
/** @typedef {{start(): void, stop(): void, restart(): void, poke(): void}} Source */
/**
 * @typedef {object} Teller
 * @property {(type: string, data: any, source: "stream" | "history") => void} tell
 * @property {(gap: import("../index.d.ts").Gap) => void} gap
 * @property {(reason: string) => void} reset
 * @property {() => void} live
 * @property {(reason: string) => void} lost
 * @property {(problem: import("./problem.js").Problem) => void} refused
 * @property {() => void} moved  the cursor may be another one
 */

export class Reading {
  #http;
  #path;
  #log;
  #history;
  #teller;
  #source;
  #stop = new AbortController();
  /** @type {Frame[]} */
  #waiting = [];
  #busy = false;
  /** The newest number when the stream began, while there is one. @type {number | undefined} */
  #head;

  /**
   * @param {{http: import("./http.js").Http, path: string, history: number}} video
   * @param {import("./log.js").Log} log
   * @param {(reader: import("./stream.js").Reader) => Source} makeSource
   * @param {Teller} teller
   */
  constructor({ http, path, history }, log, makeSource, teller) {
    this.#http = http;
    this.#path = path;
    this.#history = history;
    this.#log = log;
    this.#teller = teller;
    this.#source = makeSource({
      cursor: () => this.#log.cursor,
      frames: (frames) => this.#take(frames),
      lost: (reason) => this.#lost(reason),
      refused: (problem) => this.#teller.refused(problem),
      begin: (count) => this.#begin(count),
    });
  }

  async start() {
    if (this.#log.cursor === undefined && this.#history > 0) await this.#begin(this.#history);
    if (!this.#stop.signal.aborted) this.#source.start();
  }

  stop() {
    this.#stop.abort();
    this.#source.stop();
  }

  poke() {
    this.#source.poke();
  }

  /** A page of comments, and its end as the place to go on from. @param {number} count */
  async #begin(count) {
    try {
      const call = { query: { limit: count }, reads: true, signal: this.#stop.signal };
      const { body } = await this.#http.call("GET", `${this.#path}/comments`, call);
      if (this.#stop.signal.aborted) return;
      this.#log.begin(body.head);
      for (const comment of body.comments) this.#teller.tell("comment", comment, "history");
      this.#teller.moved();
    } catch {
      // Nobody to ask now, or not without leave: the stream begins with its own replay, or says why not.
    }
  }

  /** @param {Frame[]} frames */
  #take(frames) {
    this.#waiting.push(...frames);
    if (this.#waiting.length > MOST_WAITING) {
      this.#waiting = [];
      this.#source.restart();
    }
    if (!this.#busy) void this.#drain();
  }

  /** At once, but for holes: nothing is put off that need not be. */
  async #drain() {
    this.#busy = true;
    for (let frame; (frame = this.#waiting.shift()) && !this.#stop.signal.aborted; ) {
      const step = this.#log.take(frame);
      if (step.kind === "hole") await this.#pass(step);
      if (step.kind === "reset") this.#teller.reset(step.reason);
      if (step.kind === "entry") this.#teller.tell(frame.type, frame.data, "stream");
      if (step.kind === "other") this.#other(frame);
      if ("again" in step && step.again) this.#waiting.unshift(frame);
    }
    this.#busy = false;
    if (this.#stop.signal.aborted) return;
    this.#teller.moved();
    if (this.#head !== undefined && this.#log.seq >= this.#head) this.#teller.live();
  }

  /** @param {Frame} frame */
  #other({ type, data }) {
    if (type === "hello") this.#head = place(data.head)?.seq ?? 0;
    else if (type !== "bye") this.#teller.tell(type, data, "stream");
  }

  /** @param {{from: number, to: number, reason: string}} hole */
  async #pass({ from, to, reason }) {
    const epoch = this.#log.epoch ?? "";
    const entries = await fill(this.#http, this.#path, { epoch, from, to }, this.#stop.signal);
    if (this.#stop.signal.aborted) return;
    for (const entry of entries ?? []) {
      this.#log.pass(entry.seq);
      this.#teller.tell(entry.type ?? "comment", entry, "history");
    }
    this.#log.pass(to);
    this.#teller.gap({ from, to, reason, filled: entries !== undefined });
  }

  /** @param {string} reason */
  #lost(reason) {
    this.#head = undefined;
    this.#teller.lost(reason);
  }
}
