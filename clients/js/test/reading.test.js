/** What a source may ask of the reading that it serves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Log } from "../src/log.js";
import { Reading } from "../src/reading.js";
import { comment, EPOCH } from "./fakes.js";

/** What a source is given, what was asked of the gateway, and what was told. */
function reading(cursor, answer = async (page) => page) {
  const page = { comments: [comment(1)], head: `${EPOCH}-1`, first: "", last: "", more: false };
  const [asked, told] = [[], []];
  const http = { call: async (method, below, { query }) => (asked.push([below, query.limit]), { body: await answer(page) }) };
  const teller = { tell: (type, { seq }) => told.push([type, seq]), moved: () => {} };
  let reader;
  const source = { stop: () => {} };
  const stopped = new Reading(http, new Log(cursor), (given) => ((reader = given), source), teller);
  return { reader, asked, told, teller, reading: stopped };
}

test("a tab that follows another one reads a page first", async () => {
  const { reader, asked, told } = reading();
  await reader.begin(50);
  assert.deepEqual([asked, told, reader.cursor()], [[["/comments", 50]], [["comment", 1]], `${EPOCH}-1`]);
});

test("nothing is asked for where nothing is wanted, or there is a cursor", async () => {
  for (const [cursor, count] of [[undefined, 0], [`${EPOCH}-7`, 50]]) {
    const { reader, asked } = reading(cursor);
    await reader.begin(count);
    assert.deepEqual([asked, reader.cursor()], [[], cursor]);
  }
});

test("a page that comes after the stream's first event does not move the place back", async () => {
  const { reader, told } = reading(undefined, async (page) => {
    reader.frames([{ type: "comment", id: `${EPOCH}-7`, data: comment(7) }]);
    return page;
  });
  await reader.begin(50);
  assert.deepEqual([told, reader.cursor()], [[["comment", 7]], `${EPOCH}-7`]);
});

test("who closes it while it tells a page hears no more of it, and knows where it ended", async () => {
  const two = { comments: [comment(1), comment(2)], head: `${EPOCH}-2`, first: "", last: "", more: false };
  const all = reading(undefined, async () => two);
  const moved = [];
  all.teller.moved = () => moved.push(all.reader.cursor());
  all.teller.tell = (type, { seq }) => (all.told.push(seq), all.reading.stop());
  await all.reader.begin(50);
  assert.deepEqual(all.told, [1]);
  assert.deepEqual(moved, [`${EPOCH}-1`]);
});
