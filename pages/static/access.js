/**
 * The token that the page around this frame gives, by messages: the frame asks with
 * `livecomments:ready`, the page says `livecomments:token`. Only the page that frames this one is
 * heard, and only from an origin that may frame it. Without such a page everybody is a guest.
 * (A page that is in no frame may be given a token by whoever opened it, in the same way.)
 */

import { embedder, mayFrame } from "./place.js";

const AGAIN_MS = 250; // and then each time after twice as long
const ASKED_FOR_MS = 60_000;
const FIRST_WITHIN_MS = 2000; // since the page was loaded: a page that does not know us never answers
const NEXT_WITHIN_MS = 10_000;
const MAX_LENGTH = 8192;

export class Access {
  /** @type {string | null} */
  #token = null;
  #asked = false;
  #answered = false;
  /** The last one that was handed out. @type {string | null} */
  #used = null;
  /** @type {Set<() => void>} */
  #waiting = new Set();
  #changed;
  #giver;

  /**
   * @param {(inUse: boolean) => void} changed somebody has signed in or out; whether `get` has answered before
   * @param {Window | null} giver whose token it is
   */
  constructor(changed, giver = embedder()) {
    this.#changed = changed;
    this.#giver = giver;
    window.addEventListener("message", (event) => this.#hear(event));
    this.#askUntilAnswered();
  }

  /** Whether there is a token. */
  get known() {
    return this.#token !== null;
  }

  /**
   * For the client: see `getToken` there.
   * @param {{reason: "missing" | "expired" | "invalid"}} why
   */
  async get({ reason }) {
    if (reason !== "missing" && this.#token === this.#used) {
      this.#token = null;
      this.#ask();
      await this.#arrival(NEXT_WITHIN_MS);
    } else if (this.#token === null) {
      await this.#arrival(FIRST_WITHIN_MS - performance.now());
    }
    this.#asked = true;
    this.#used = this.#token;
    return this.#token;
  }

  /** The page's script may be later than this frame, and would not hear it. */
  #askUntilAnswered(againMs = AGAIN_MS) {
    if (!this.#giver || this.#answered) return;
    this.#ask();
    if (againMs < ASKED_FOR_MS) setTimeout(() => this.#askUntilAnswered(2 * againMs), againMs);
  }

  #ask() {
    // It holds no secret, so whoever frames us may read it.
    this.#giver?.postMessage({ type: "livecomments:ready" }, "*");
  }

  /** @param {number} withinMs */
  #arrival(withinMs) {
    if (!this.#giver || withinMs <= 0) return undefined;
    return new Promise((/** @type {(value?: void) => void} */ done) => {
      const end = () => {
        clearTimeout(timer);
        this.#waiting.delete(end);
        done();
      };
      const timer = setTimeout(end, withinMs);
      this.#waiting.add(end);
    });
  }

  /** @param {MessageEvent} event */
  #hear({ source, origin, data }) {
    if (source === null || source !== this.#giver || !mayFrame(origin)) return;
    if (data?.type !== "livecomments:token") return;
    this.#answered = true;
    const token = typeof data.token === "string" && data.token.length <= MAX_LENGTH ? data.token : null;
    const turned = (token === null) !== (this.#token === null);
    this.#token = token;
    // Those who wait get it; a token that only takes the place of another is used when that has ended.
    const waited = this.#waiting.size > 0;
    for (const end of [...this.#waiting]) end();
    if (turned) this.#changed(this.#asked && !waited);
  }
}
