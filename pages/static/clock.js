/** Times as people read them, and a countdown. */

import { LOCALE } from "./messages.js";

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const DAY_MS = 24 * 3600 * 1000;

/**
 * When a comment was written: the time of day, with the date where that is another one.
 * @param {string} text RFC 3339
 * @param {number} [now] ms
 * @returns {{short: string, full: string}} to show, and to tell who asks
 */
export function readTime(text, now = Date.now()) {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return { short: "", full: "" };
  const full = FULL.format(time);
  return { short: now - time.getTime() < DAY_MS ? TIME.format(time) : DAY.format(time), full };
}

/**
 * "8 seconds", "3 minutes", "2 hours": how long something still takes, rounded up.
 * @param {number} seconds
 * @param {"long" | "narrow"} [unitDisplay] narrow: "8s"
 * @returns {string}
 */
export function duration(seconds, unitDisplay = "long") {
  const [value, unit] =
    seconds <= 90 ? [seconds, "second"] : seconds <= 5400 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
  return new Intl.NumberFormat(LOCALE, { style: "unit", unit, unitDisplay }).format(Math.ceil(value));
}

/** Tells the seconds that are left, once a second, then 0. One at a time. */
export class Countdown {
  /** @param {(secondsLeft: number) => void} tell */
  constructor(tell) {
    this._tell = tell;
    this._end = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
  }

  /** @returns {number} seconds, rounded up; 0 if it is over */
  get left() {
    return Math.max(0, Math.ceil((this._end - performance.now()) / 1000));
  }

  /**
   * From now on; 0 ends it.
   * @param {number} seconds
   */
  start(seconds) {
    this._end = performance.now() + seconds * 1000;
    this._next();
  }

  _next() {
    clearTimeout(this._timer);
    const left = this.left;
    this._tell(left);
    if (left > 0) {
      const rest = (this._end - performance.now()) % 1000;
      this._timer = setTimeout(() => this._next(), Math.max(20, rest));
    }
  }
}
