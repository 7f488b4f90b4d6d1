/**
 * Whether the other side still lives, by what was heard of it. Pure: whoever uses it tells the time.
 *
 * A machine that slept, or a tab that was frozen, does not know for how long the other side has been
 * silent: what it said may still wait to be read. So after a leap of time the other side gets a last
 * chance of a little more than a heartbeat. A leap shows in the clock that measures (checks come
 * late) or only in the wall clock, where the other one stands still while the machine sleeps; a wall
 * clock that was merely set costs nothing, as the next heartbeat comes in time.
 */

const LEAP_MS = 5_000;
const LAST_CHANCE_MS = 4_000;

export class Watchdog {
  #limitMs;
  #deadline;
  #checkedAt;
  #checkedWall;
  #doubted = false;

  /** @param {number} limitMs  of silence @param {number} now  ms that never go back @param {number} wall */
  constructor(limitMs, now, wall) {
    this.#limitMs = limitMs;
    this.#deadline = now + limitMs;
    this.#checkedAt = now;
    this.#checkedWall = wall;
  }

  /** Something came from the other side. @param {number} now */
  heard(now) {
    this.#deadline = now + this.#limitMs;
    this.#doubted = false;
  }

  /** There is reason to think that the line is dead, such as another network. @param {number} now */
  doubt(now) {
    if (this.#doubted) return;
    this.#doubted = true;
    this.#deadline = now + LAST_CHANCE_MS;
  }

  /** Called each second, or whenever a throttled timer comes to it. @param {number} now @param {number} wall */
  isDead(now, wall) {
    const passed = now - this.#checkedAt;
    const leapt = passed > LEAP_MS || Math.abs(wall - this.#checkedWall - passed) > LEAP_MS;
    this.#checkedAt = now;
    this.#checkedWall = wall;
    if (leapt && !this.#doubted) this.doubt(now);
    return now >= this.#deadline;
  }
}
