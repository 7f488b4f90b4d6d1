/** Waiting: how long, and how it ends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { after, reconnectDelay, retryDelay, sleep } from "../src/waits.js";

test("streams come back at any time from now to the server's retry", () => {
  assert.equal(reconnectDelay(2000, 0, false, () => 0), 0);
  assert.equal(reconnectDelay(2000, 0, false, () => 0.5), 1000);
});

test("the window doubles with each failure, up to a bound", () => {
  const windows = [0, 1, 2, 3, 1000].map((failures) => reconnectDelay(2000, failures, false, () => 1));
  assert.deepEqual(windows, [2000, 4000, 8000, 10_000, 10_000]);
});

test("a server may ask for more than that", () => {
  assert.equal(reconnectDelay(60_000, 3, false, () => 1), 60_000);
});

test("nobody comes sooner than a full server asked for", () => {
  assert.equal(reconnectDelay(3000, 0, true, () => 0), 3000);
});

test("a request waits as long as the reply said, and not all the same time", () => {
  assert.equal(retryDelay(5, 3, () => 0), 5000);
  assert.equal(retryDelay(5, 3, () => 1), 6000);
  assert.equal(retryDelay(undefined, 0, () => 1), 500);
  assert.equal(retryDelay(undefined, 20, () => 1), 10_000);
});

test("an aborted sleep ends at once, also if it was aborted before", async () => {
  const controller = new AbortController();
  const sleeping = sleep(3_600_000, controller.signal);
  controller.abort();
  await sleeping;
  await sleep(3_600_000, controller.signal);
});

test("what is cancelled does not come", async () => {
  const called = [];
  const controller = new AbortController();
  const cancel = after(1, controller.signal, () => called.push("cancelled"));
  cancel();
  controller.abort();
  await sleep(5);
  assert.deepEqual(called, []);
});

test("it is called once, by time or by the signal", async () => {
  let calls = 0;
  const controller = new AbortController();
  after(1, controller.signal, () => calls++);
  controller.abort();
  await sleep(5);
  assert.equal(calls, 1);
});
