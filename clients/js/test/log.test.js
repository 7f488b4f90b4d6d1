/** What a frame means at a place of the log. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Log, place } from "../src/log.js";

const A = "aaaaaaaaaaaa";
const B = "bbbbbbbbbbbb";
const entry = (seq, epoch = A) => ({ type: "comment", id: `${epoch}-${seq}`, data: { seq } });
const hello = (id, epoch = A) => ({ type: "hello", id, data: { epoch, head: `${epoch}-9` } });
const at = (seq) => new Log(`${A}-${seq}`);

test("event ids", () => {
  assert.deepEqual(place(`${A}-0`), { epoch: A, seq: 0 });
  assert.deepEqual(place(`${A}-120`), { epoch: A, seq: 120 });
  for (const no of ["", undefined, null, 7, `${A}-01`, `${A}--1`, `${A}-1e3`, "aaa-1", `${A}-1\n`, `${A}-1234567890123456`]) {
    assert.equal(place(no), undefined, String(no));
  }
});

test("the first hello says where it begins", () => {
  const log = new Log();
  assert.equal(log.cursor, undefined);
  assert.equal(log.take(hello(`${A}-4`)).kind, "other");
  assert.equal(log.cursor, `${A}-4`);
  assert.equal(log.take(entry(5)).kind, "entry");
  assert.equal(log.cursor, `${A}-5`);
});

test("an entry is taken once, whatever comes again", () => {
  const log = at(4);
  const kinds = [5, 6, 5, 6, 4, 7, 1, 7].map((seq) => log.take(entry(seq)).kind);
  assert.deepEqual(kinds, ["entry", "entry", "old", "old", "old", "entry", "old", "old"]);
});

test("a hello after a break does not move the cursor back", () => {
  const log = at(4);
  assert.equal(log.take(hello(`${A}-2`)).kind, "other");
  assert.equal(log.cursor, `${A}-4`);
});

test("missing numbers are a hole, and the frame comes again", () => {
  const log = at(4);
  assert.deepEqual(log.take(entry(8)), { kind: "hole", from: 5, to: 7, reason: "missing", again: true });
  assert.equal(log.cursor, `${A}-4`);
  log.pass(7);
  assert.equal(log.take(entry(8)).kind, "entry");
});

test("a hello beyond the cursor is a hole", () => {
  const log = at(4);
  assert.deepEqual(log.take(hello(`${A}-6`)), { kind: "hole", from: 5, to: 6, reason: "missing", again: true });
});

test("a gap is a hole up to its end; one that was passed is old", () => {
  const log = at(4);
  const gap = { type: "gap", id: `${A}-9`, data: { from: 5, to: 9, reason: "limit" } };
  assert.deepEqual(log.take(gap), { kind: "hole", from: 5, to: 9, reason: "limit", again: false });
  log.pass(9);
  assert.equal(log.take(gap).kind, "old");
  assert.equal(log.take(entry(10)).kind, "entry");
});

test("a gap whose end is behind the first number that is missing", () => {
  const log = at(6);
  const gap = { type: "gap", id: `${A}-9`, data: { from: 5, to: 9, reason: "memory" } };
  assert.deepEqual(log.take(gap), { kind: "hole", from: 7, to: 9, reason: "memory", again: false });
});

test("a reset begins elsewhere", () => {
  const log = at(400);
  assert.equal(log.take(hello("", B)).kind, "other");
  const reset = { type: "reset", id: `${B}-3`, data: { reason: "epoch" } };
  assert.deepEqual(log.take(reset), { kind: "reset", reason: "epoch", again: false });
  assert.equal(log.cursor, `${B}-3`);
  assert.equal(log.take(entry(4, B)).kind, "entry");
});

test("entries of another epoch are never mixed with ours", () => {
  const log = at(400);
  assert.deepEqual(log.take(entry(3, B)), { kind: "reset", reason: "epoch", again: true });
  assert.equal(log.take(entry(3, B)).kind, "entry");
  assert.equal(log.cursor, `${B}-3`);
});

test("a cursor that is none is sent as it is, until the server says where to begin", () => {
  const log = new Log("rubbish");
  assert.equal(log.cursor, "rubbish");
  log.take({ type: "reset", id: `${A}-0`, data: { reason: "malformed" } });
  assert.equal(log.cursor, `${A}-0`);
});

test("events without a place of their own do not move it", () => {
  const log = at(4);
  // By the rules of SSE an event without an id has the id of the one before it.
  for (const type of ["viewers", "state", "bye"]) {
    assert.equal(log.take({ type, id: `${A}-9`, data: {} }).kind, "other");
  }
  assert.equal(log.take({ type: "comment", id: "", data: {} }).kind, "other");
  assert.equal(log.cursor, `${A}-4`);
});
