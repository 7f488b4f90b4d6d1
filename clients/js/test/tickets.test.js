/** Tickets: renewed before they end, and not by everybody at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem } from "../src/problem.js";
import { Tickets } from "../src/tickets.js";

/** Tickets of ten minutes, at a time that the test tells; `answer` may be a Problem. */
function tickets(t) {
  const state = { nowMs: 0, answer: undefined, asked: 0 };
  t.mock.method(performance, "now", () => state.nowMs);
  const http = {
    call: async () => {
      state.asked++;
      if (state.answer) throw state.answer;
      return { body: { ticket: `t${state.asked}`, expires_at: new Date(Date.now() + 600_000).toISOString() } };
    },
  };
  state.tickets = new Tickets(http);
  state.tickets.require();
  return state;
}

/** A check each second, as while a stream is open. */
async function pass(state, seconds) {
  for (const end = state.nowMs + seconds * 1000; state.nowMs < end; ) {
    state.nowMs += 1000;
    await state.tickets.keepFresh();
  }
}

test("a ticket is renewed in its last third, at a time of its own", async (t) => {
  const state = tickets(t);
  const times = new Set();
  for (let round = 0; round < 20; round++) {
    const began = state.nowMs;
    await state.tickets.current();
    for (const { asked } = { ...state }; state.asked === asked; ) await pass(state, 1);
    const usedMs = state.nowMs - began;
    assert.ok(usedMs >= 400_000 && usedMs <= 540_000, `${usedMs}`);
    times.add(usedMs);
    state.tickets.require();
  }
  assert.ok(times.size > 5);
});

test("who does not get one asks less and less often, and not before the server says", async (t) => {
  const state = tickets(t);
  await state.tickets.current();
  state.answer = new Problem("unavailable", 503, { retryAfter: 30 });
  state.nowMs = 550_000;
  await pass(state, 300);
  assert.ok(state.asked - 1 <= 10, `${state.asked - 1} requests in 300 s`);
  assert.ok(state.asked - 1 >= 4);
  state.answer = new Problem("no_answer", 0);
  const { asked } = { ...state };
  await pass(state, 600);
  assert.ok(state.asked - asked <= 40, `${state.asked - asked} requests in 600 s`);
  state.answer = undefined;
  await pass(state, 120);
  assert.notEqual(await state.tickets.current(), "t1");
});

test("who may not have one does not ask again, until a stream needs it", async (t) => {
  const state = tickets(t);
  await state.tickets.current();
  state.answer = new Problem("forbidden", 403);
  state.nowMs = 550_000;
  await pass(state, 300);
  assert.equal(state.asked, 2);
  await assert.rejects(state.tickets.current(), { code: "forbidden" });
  state.answer = undefined;
  assert.equal(await state.tickets.current(), "t4");
});
