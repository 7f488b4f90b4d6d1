/** What a source may ask of the reading that it serves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Log } from "../src/log.js";
import { Reading } from "../src/reading.js";
import { comment, EPOCH } from "./fakes.js";

/** What a source is given, what was asked of the gateway, and what was told. */
function reading(cursor) {
  const page = { comments: [comment(1)], head: `${EPOCH}-1`, first: "", last: "", more: false };
  const [asked, told] = [[], []];
  const http = { call: async (method, below, { query }) => (asked.push([below, query.limit]), { body: page }) };
  const teller = { tell: (type, { seq }) => told.push([type, seq]), moved: () => {} };
  let reader;
  new Reading(http, new Log(cursor), (given) => ((reader = given), {}), teller);
  return { reader, asked, told };
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
