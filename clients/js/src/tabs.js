/**
 * One stream for all tabs of an origin: whoever holds a lock has it, and passes on what it brings.
 *
 * The browser gives the lock to the next tab when the leader's is closed. A leader that is frozen
 * keeps it and says nothing, so another tab takes it away. Nothing depends on there being exactly one
 * leader: each tab knows its place in the log, takes each entry once and in order, and reads from the
 * log what it has missed.
 */
import { listen } from "./page.js";
import { newKey } from "./post.js";
import { Watchdog } from "./watchdog.js";
/** @import {Frame, MakeSource, Message, Reader, Source} from "./types.d.ts" */

const CHECK_MS = 1_000;
const BEAT_MS = 1_000;
const SILENCE_MS = 6_000;
const SPREAD_MS = 2_000; // so that not all tabs take the lock at once

export const canShare = () =>
  typeof document === "object" && typeof BroadcastChannel === "function" && !!globalThis.navigator?.locks;

/** @implements {Source} */
export class SharedStream {
  #id = newKey();
  #name;
  #replay;
  #reader;
  #makeStream;
  /** @type {BroadcastChannel | undefined} */
  #channel;
  #watchdog = newWatchdog();
  /** @type {(() => void)[]} */
  #undo = [];
  /** Whom we follow: who has welcomed us. @type {string | undefined} */
  #leader;
  /** While we lead. @type {Source | undefined} */
  #stream;
  /** Why there is no stream just now. @type {string | undefined} */
  #lostBy = "";
  /** While we want to lead, or do. @type {AbortController | undefined} */
  #turn;
  /** @type {(() => void) | undefined} */
  #release;
  #saidAt = 0;
  #hasBegun = false;
  /** The page before what others tell is under way. */
  #isBeginning = false;

  /** @param {string} name of lock and channel @param {number} replay @param {Reader} reader @param {MakeSource} makeStream */
  constructor(name, replay, reader, makeStream) {
    this.#name = name;
    this.#replay = replay;
    this.#reader = reader;
    this.#makeStream = makeStream;
  }

  start() {
    const channel = (this.#channel = new BroadcastChannel(this.#name));
    channel.onmessage = ({ data }) => void this.#take(data);
    const timer = setInterval(() => this.#check(), CHECK_MS);
    // A page that is put to sleep would keep the lock: it leaves it to the others.
    const [sleep, wake] = [() => this.#leave(), () => this.#enter()];
    const unlisten = listen(window, { freeze: sleep, pagehide: sleep, resume: wake, pageshow: wake });
    this.#undo = [() => channel.close(), () => clearInterval(timer), unlisten];
    this.#enter();
  }

  stop() {
    this.#leave();
    for (const undo of this.#undo) undo();
    this.#channel = undefined;
  }

  restart() {
    if (this.#stream) this.#stream.restart();
    else this.#join();
  }

  poke() {
    if (this.#stream) this.#stream.poke();
    else this.#watchdog.doubt(performance.now());
  }

  #enter() {
    if (this.#turn || !this.#channel) return;
    this.#watchdog = newWatchdog();
    this.#join();
    void this.#compete({});
  }

  #leave() {
    const turn = this.#turn;
    this.#turn = undefined;
    turn?.abort();
    this.#stepDown();
  }

  /** Lead as soon as nobody else does, or at once. @param {{steal?: boolean}} how */
  async #compete({ steal }) {
    this.#turn?.abort();
    const turn = (this.#turn = new AbortController());
    const options = steal ? { steal } : { signal: turn.signal };
    try {
      await navigator.locks.request(this.#name, options, () => this.#lead(turn));
    } catch (error) {
      // Aborted: somebody took it away from us, or we do not want it any more. Else there are no
      // locks here, such as in a sandboxed frame: each has its own stream.
      const hasNone = /** @type {Error} */ (error).name !== "AbortError";
      if (hasNone) await this.#lead(turn);
    }
    if (this.#turn !== turn) return;
    this.#turn = undefined;
    this.#stepDown();
    this.#enter();
  }

  /** Until the lock is released. @param {AbortController} turn @returns {Promise<void> | undefined} */
  #lead(turn) {
    if (this.#turn !== turn) return undefined;
    this.#leader = undefined;
    this.#stream = this.#makeStream({
      ...this.#reader,
      frames: (frames) => this.#pass(frames),
      lost: (reason) => this.#lost(reason),
      heard: () => this.#beat(),
    });
    this.#say({ kind: "leader", from: this.#id });
    this.#stream.start();
    return new Promise((resolve) => (this.#release = resolve));
  }

  #stepDown() {
    this.#stream?.stop();
    this.#release?.();
    this.#stream = this.#release = this.#leader = undefined;
  }

  #check() {
    if (this.#stream) return this.#beat();
    if (!this.#turn) return; // asleep
    if (this.#watchdog.isDead(performance.now(), Date.now())) {
      this.#watchdog = newWatchdog();
      void this.#compete({ steal: true });
    } else if (!this.#leader) this.#join();
  }

  /** @param {Frame[]} frames of the stream that we lead */
  #pass(frames) {
    this.#lostBy = undefined;
    // What is wrong with our cursor is no reason for others to forget theirs.
    const passed = frames.filter(({ type, data }) => type !== "bye" && data.reason !== "malformed");
    if (passed.length) this.#say({ kind: "frames", from: this.#id, frames: passed });
    this.#reader.frames(frames);
  }

  /** @param {string} reason */
  #lost(reason) {
    this.#lostBy = reason;
    this.#say({ kind: "lost", from: this.#id, reason });
    this.#reader.lost(reason);
  }

  /** @param {Message} message */
  #take(message) {
    if (message.kind === "join") return this.#welcome(message.from);
    if (this.#stream) return; // two of us lead, until one is told that it has lost the lock
    this.#watchdog.heard(performance.now());
    if (message.kind === "welcome") return message.to === this.#id ? this.#follow(message) : undefined;
    if (message.from !== this.#leader) {
      if (message.kind === "leader") this.#join();
    } else if (message.kind === "frames") this.#reader.frames(message.frames);
    else if (message.kind === "lost") this.#reader.lost(message.reason);
  }

  /** @param {string} to */
  #welcome(to) {
    if (!this.#stream) return;
    const id = this.#reader.cursor();
    /** @type {Frame[]} */
    const frames = [{ type: "state", id: "", data: this.#reader.state() }];
    if (id && this.#lostBy === undefined) frames.unshift({ type: "hello", id, data: { head: id } });
    this.#say({ kind: "welcome", from: this.#id, to, frames, lost: this.#lostBy });
  }

  /** @param {Message & {kind: "welcome"}} message */
  async #follow({ from, frames, lost }) {
    if (this.#isBeginning) return;
    if (this.#reader.cursor() === undefined && !this.#hasBegun) {
      this.#hasBegun = this.#isBeginning = true; // if it is refused, with what comes from now on
      await this.#reader.begin(this.#replay);
      this.#isBeginning = false;
      return this.#join();
    }
    this.#leader = from;
    this.#reader.frames(frames);
    if (lost) this.#reader.lost(lost);
  }

  #join() {
    if (this.#stream || this.#isBeginning) return;
    this.#leader = undefined;
    this.#say({ kind: "join", from: this.#id });
  }

  #beat() {
    if (performance.now() - this.#saidAt >= BEAT_MS) this.#say({ kind: "beat", from: this.#id });
  }

  /** @param {Message} message */
  #say(message) {
    this.#saidAt = performance.now();
    this.#channel?.postMessage(message);
  }
}

function newWatchdog() {
  return new Watchdog(SILENCE_MS + Math.random() * SPREAD_MS, performance.now(), Date.now());
}
