/** When the other side counts as dead. Time is told, so nothing waits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Watchdog } from "../src/watchdog.js";

const WALL = 1_800_000_000_000;

/** Checks at these times; the wall clock goes with the other one unless `off` says otherwise. */
class Clock {
  now = 0;
  wall = WALL;
  dog = new Watchdog(8_500, 0, WALL);

  /** A check each second until `to`; when it was found dead, if it was. */
  run(to, { heardEach } = {}) {
    while (this.now < to) {
      this.now += 1000;
      this.wall += 1000;
      if (heardEach && this.now % heardEach === 0) this.dog.heard(this.now);
      if (this.dog.isDead(this.now, this.wall)) return this.now;
    }
    return undefined;
  }
}

test("silence is noticed before three heartbeats are over", () => {
  assert.equal(new Clock().run(60_000), 9_000);
});

test("whoever speaks lives", () => {
  assert.equal(new Clock().run(600_000, { heardEach: 3_000 }), undefined);
});

test("after a sleep what waits to be read gets its chance", () => {
  const clock = new Clock();
  clock.run(3_000, { heardEach: 3_000 });
  clock.now += 60_000;
  clock.wall += 60_000;
  assert.equal(clock.dog.isDead(clock.now, clock.wall), false);
  clock.dog.heard(clock.now + 10);
  assert.equal(clock.run(clock.now + 60_000, { heardEach: 3_000 }), undefined);
});

test("after a sleep a dead line is given up within a heartbeat and a bit", () => {
  const clock = new Clock();
  clock.now += 60_000;
  clock.wall += 60_000;
  assert.equal(clock.dog.isDead(clock.now, clock.wall), false);
  const woke = clock.now;
  assert.equal(clock.run(woke + 60_000) - woke, 4_000);
});

test("a sleep in which the clock stood still shows in the wall clock", () => {
  const clock = new Clock();
  clock.run(3_000, { heardEach: 3_000 });
  clock.wall += 3_600_000;
  const woke = clock.now;
  assert.equal(clock.run(woke + 60_000) - woke, 5_000); // seen at the next check, then 4 s
});

test("a clock that is set, forth or back, ends nothing", () => {
  const clock = new Clock();
  for (const step of [86_400_000, -90_000_000, 30_000]) {
    clock.wall += step;
    assert.equal(clock.run(clock.now + 12_000, { heardEach: 3_000 }), undefined);
  }
});

test("a throttled timer finds a dead line at its second look", () => {
  const clock = new Clock();
  const found = [1, 2, 3].map((minute) => clock.dog.isDead(minute * 60_000, WALL + minute * 60_000));
  assert.deepEqual(found, [false, true, true]);
});

test("a throttled timer lets a line live that was heard", () => {
  const dog = new Watchdog(8_500, 0, WALL);
  for (let minute = 1; minute < 10; minute++) {
    dog.heard(minute * 60_000 - 1_000);
    assert.equal(dog.isDead(minute * 60_000, WALL + minute * 60_000), false);
  }
});

test("doubt ends with the next sign of life, and does not lengthen the wait if repeated", () => {
  const dog = new Watchdog(8_500, 0, WALL);
  dog.doubt(1_000);
  dog.doubt(4_000);
  assert.equal(dog.isDead(4_900, WALL + 4_900), false);
  assert.equal(dog.isDead(5_000, WALL + 5_000), true);
  dog.heard(5_000);
  assert.equal(dog.isDead(9_500, WALL + 9_500), false);
});
