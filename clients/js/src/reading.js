/**
 * One reading of a video, from `open` to `close`: what the source brings, in order and whole.
 *
 * Frames are dealt with one after the other. While a hole is filled from the log, what comes after
 * it waits: at most MOST_WAITING frames, then the stream begins again where the reader has come to.
 */
import { fill, newest } from "./fill.js";
import { place } from "./log.js";
/** @import {Frame, MakeSource, Teller} from "./types.d.ts" */

const MOST_WAITING = 10_000;

export class Reading {
  #http;
  #log;
  #teller;
  #source;
  #stop = new AbortController();
  /** @type {Frame[]} */
  #waiting = [];
  #busy = false;
  /** The newest entry when the stream began, while there is one. @type {import("./types.d.ts").Place | undefined} */
  #head;

  /**
   * @param {import("./http.js").Http} http @param {import("./log.js").Log} log
   * @param {MakeSource} makeSource @param {Teller} teller
   */
  constructor(http, log, makeSource, teller) {
    this.#http = http;
    this.#log = log;
    this.#teller = teller;
    this.#source = makeSource({
      cursor: () => log.cursor,
      frames: (frames) => this.#take(frames),
      lost: (reason) => this.#lost(reason),
      refused: (problem) => teller.refused(problem),
      begin: (count) => this.#begin(count, Infinity),
      state: () => teller.state(),
    });
  }

  /** @param {number} history how many comments to read first, if there is no cursor */
  async start(history) {
    // If nobody answers, the stream's own replay is there at once.
    if (history > 0) await this.#begin(history, 0);
    if (!this.#stop.signal.aborted) this.#source.start();
  }

  stop() {
    this.#teller.moved();
    this.#stop.abort();
    this.#source.stop();
  }

  poke() {
    this.#source.poke();
  }

  /** The newest comments, and where they were read as the place to go on from. @param {number} limit @param {number} withinMs */
  async #begin(limit, withinMs) {
    if (this.#log.cursor !== undefined || limit === 0) return;
    const { signal } = this.#stop;
    const found = await newest(this.#http, limit, { signal, withinMs });
    // Not without leave: the stream begins with its own replay, or says why not. It may have begun.
    if (!found || signal.aborted || this.#log.cursor !== undefined) return;
    for (const comment of found.comments) {
      this.#log.begin(comment.id);
      this.#teller.tell("comment", comment, "history");
      if (signal.aborted) return; // a listener has closed it: the next reading goes on there
    }
    this.#log.begin(found.head);
    this.#teller.moved();
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
      else if (step.kind === "reset") this.#reset(step.reason);
      else if (step.kind === "entry") this.#teller.tell(frame.type, frame.data, "stream");
      else if (frame.type === "hello") this.#head = place(frame.data.head) ?? { epoch: this.#log.epoch, seq: 0 };
      else if (step.kind === "other") this.#teller.tell(frame.type, frame.data, "stream");
      if ("again" in step && step.again) this.#waiting.unshift(frame);
    }
    this.#busy = false;
    if (this.#stop.signal.aborted) return;
    this.#teller.moved();
    if (this.#head && this.#log.seq >= this.#head.seq) this.#teller.live();
  }

  /** @param {string} reason */
  #reset(reason) {
    const { epoch } = this.#log;
    if (this.#head && this.#head.epoch !== epoch) this.#head = { epoch, seq: 0 }; // of another log
    this.#teller.reset(reason);
  }

  /** @param {{from: number, to: number, reason: string}} hole */
  async #pass({ from, to, reason }) {
    const { epoch } = this.#log;
    const entries = await fill(this.#http, { epoch, from, to }, this.#stop.signal);
    if (this.#stop.signal.aborted) return;
    for (const entry of entries ?? []) {
      this.#log.pass(entry.seq);
      this.#teller.tell(entry.type ?? "comment", entry, "history");
      if (this.#stop.signal.aborted) return;
    }
    this.#log.pass(to);
    const filled = entries !== undefined;
    // That another tab has the stream is no news, as long as nothing is missing.
    if (!filled || reason !== "missing") this.#teller.gap({ from, to, reason, filled });
  }

  /** @param {string} reason */
  #lost(reason) {
    this.#head = undefined;
    this.#teller.lost(reason);
  }
}
