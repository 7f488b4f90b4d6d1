/**
 * Whether the other side still lives, by what was heard of it. Pure: whoever uses it tells the time.
 *
 * Who slept, or was frozen, does not know for how long the other side has been silent: what it said
 * may still wait to be read. So after a leap of time it gets a last chance of a little more than a
 * heartbeat. A leap shows in late checks, or only in the wall clock, where the other clock stands
 * still in sleep. A wall clock that was merely set costs nothing: the next heartbeat comes in time.
 */
const LEAP_MS = 5_000;
const LAST_CHANCE_MS = 4_000;

export class Watchdog {
  #limitMs;
  #deadline;
  #checkedAt;
  #checkedWall;
  #doubted = false;

  /** @param {number} limitMs of silence @param {number} now ms that never go back @param {number} wall ms */
  constructor(limitMs, now, wall) {
    this.#limitMs = limitMs;
    this.#deadline = now + limitMs;
    this.#checkedAt = now;
    this.#checkedWall = wall;
  }

  /** @param {number} now */
  heard(now) {
    this.#deadline = now + this.#limitMs;
    this.#doubted = false;
  }

  /** There is reason to think that it is dead, such as another network. @param {number} now */
  doubt(now) {
    if (!this.#doubted) this.#deadline = now + LAST_CHANCE_MS;
    this.#doubted = true;
  }

  /** To be called each second; in hidden pages timers come later. @param {number} now @param {number} wall */
  isDead(now, wall) {
    const passed = now - this.#checkedAt;
    if (passed > LEAP_MS || Math.abs(wall - this.#checkedWall - passed) > LEAP_MS) this.doubt(now);
    this.#checkedAt = now;
    this.#checkedWall = wall;
    return now >= this.#deadline;
  }
}
