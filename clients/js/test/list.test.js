/** What a page shows: in order, each comment once, nothing after its removal, a bounded number. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { CommentList } from "../src/list.js";
import { Problem } from "../src/problem.js";
import { comment, FakeVideo } from "./fakes.js";

let video, list, changes, frames;

beforeEach(() => make());

function make(options = {}) {
  video = new FakeVideo();
  frames = [];
  list = new CommentList(video, { schedule: (tell) => frames.push(tell), ...options });
  changes = [];
  list.on("change", (change) => changes.push(change));
}

/** One frame of the screen: the change, if there is one. */
function draw() {
  changes.length = 0;
  frames.splice(0).forEach((tell) => tell());
  return changes[0];
}

const shown = () => list.items.map(({ comment, pending }) => (pending ? comment.text : comment.seq));
const seqs = (items) => items.map(({ comment }) => comment.seq);
const passing = new Problem("no_answer", 0);
const unfilled = (from, to) => video.told("gap", { from, to, reason: "limit", filled: false }, to);
const settled = () => new Promise((resolve) => setImmediate(resolve));
const posted = (seq, text) => ({ status: "posted", comment: comment(seq, { text }) });

test("many comments are one change", () => {
  video.comments(1, 2, 3);
  assert.equal(frames.length, 1);
  assert.deepEqual(seqs(draw().added), [1, 2, 3]);
  assert.equal(draw(), undefined);
  video.comments(4);
  assert.deepEqual(seqs(draw().added), [4]);
});

test("only the newest are kept, and what goes is told", () => {
  make({ limit: 3 });
  video.comments(1, 2, 3);
  draw();
  video.comments(4, 5, 6, 7);
  const { added, removed } = draw();
  assert.deepEqual([seqs(added), seqs(removed), shown()], [[5, 6, 7], [1, 2, 3], [5, 6, 7]]);
});

test("a comment that is shown and removed in one frame was never there", () => {
  video.comments(1, 2);
  video.removed(3, 2);
  const { added, removed } = draw();
  assert.deepEqual([seqs(added), seqs(removed)], [[1], []]);
});

test("removed and restored", () => {
  video.comments(1, 2, 3);
  draw();
  video.removed(4, 2);
  assert.deepEqual([seqs(draw().removed), shown()], [[2], [1, 3]]);
  video.told("restored", { seq: 5, comment: comment(2) });
  draw();
  assert.deepEqual(shown(), [1, 2, 3]);
});

test("what is restored from before the list stays out of it", () => {
  video.comments(5);
  video.told("restored", { seq: 6, comment: comment(2) });
  assert.deepEqual(shown(), [5]);
});

test("a reset empties it", () => {
  video.comments(1, 2);
  draw();
  video.emit("reset", { reason: "epoch" });
  video.comments(1);
  const { reset, added, removed } = draw();
  assert.deepEqual([reset, seqs(added), seqs(removed), shown()], [true, [1], [], [1]]);
});

test("a gap that was filled changes nothing", () => {
  video.comments(1, 2);
  draw();
  video.emit("gap", { from: 3, to: 4, reason: "limit", filled: true });
  assert.equal(draw(), undefined);
});

test("after a gap that was not filled the newest take the place of what is shown", async () => {
  video.comments(1, 2);
  draw();
  unfilled(3, 9000);
  video.comments(9001);
  assert.deepEqual([seqs(draw().added), shown()], [[9001], [1, 2, 9001]]);
  const { key } = list.items[2];
  video.asked[0].answer({ comments: [comment(8999), comment(9000), comment(9001)], more: true });
  await settled();
  const { reset, added, removed } = draw();
  assert.deepEqual([reset, seqs(added), removed, shown()], [true, [8999, 9000, 9001], [], [8999, 9000, 9001]]);
  assert.equal(list.items[2].key, key);
});

test("what is shown stays until the newest can be read, and they are asked for until then", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  video.comments(1, 2);
  draw();
  unfilled(3, 9000);
  for (const [at, refusal] of [passing, passing, new Error("a mistake in a fetch of one's own")].entries()) {
    video.asked[at].refuse(refusal);
    await settled();
    assert.deepEqual([draw(), shown(), video.asked.length], [undefined, [1, 2], at + 1]);
    t.mock.timers.tick(10_000);
    await settled();
  }
  video.removed(9001, 9000);
  video.asked[3].answer({ comments: [comment(8999), comment(9000)], more: true });
  await settled();
  assert.deepEqual([draw().reset, shown()], [true, [8999]]);
});

test("what may have been removed goes where the newest may not be read", async () => {
  video.comments(1, 2);
  unfilled(3, 9);
  video.comments(10);
  video.asked[0].refuse(new Problem("token_missing", 401));
  await settled();
  assert.deepEqual([draw().reset, shown()], [true, [10]]);
});

test("of two gaps the later one counts", async () => {
  video.comments(1);
  unfilled(2, 10);
  video.comments(11);
  unfilled(12, 20);
  video.comments(21);
  video.asked[0].answer({ comments: [comment(9)], more: true });
  await settled();
  assert.deepEqual(shown(), [1, 11, 21]);
  video.asked[1].answer({ comments: [comment(20)], more: true });
  await settled();
  assert.deepEqual(shown(), [20, 21]);
});

test("a reset, and the end of the list, end the wait for the newest", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  for (const end of [() => video.emit("reset", { reason: "epoch" }), () => list.close()]) {
    make();
    unfilled(3, 9000);
    end();
    video.asked[0].refuse(passing);
    await settled();
    t.mock.timers.tick(60_000);
    await settled();
    assert.equal(video.asked.length, 1);
    assert.ok(video.asked[0].query.signal.aborted);
  }
});

test("a video that is closed asks for the newest when it is live again", async () => {
  video.comments(1);
  unfilled(2, 9);
  video.emit("state", { state: "closed" });
  video.asked[0].refuse(new Problem("aborted", 0));
  await settled();
  video.emit("state", { state: "connecting" });
  assert.equal(video.asked.length, 1);
  video.emit("state", { state: "live" });
  video.asked[1].answer({ comments: [comment(9)], more: false });
  await settled();
  video.emit("state", { state: "live" });
  assert.deepEqual([shown(), video.asked.length], [[9], 2]);
});

test("a page of older ones that a gap overtakes is void", async () => {
  video.comments(5);
  const reading = list.older();
  unfilled(6, 9000);
  video.asked[0].answer({ comments: [comment(4)], more: false });
  assert.deepEqual([await reading, shown()], [{ added: 0, more: true }, [5]]);
  const another = list.older();
  video.asked[1].answer({ comments: [comment(9000)], more: true });
  await settled();
  video.asked[2].answer({ comments: [comment(4)], more: false });
  assert.deepEqual([await another, shown()], [{ added: 0, more: true }, [9000]]);
});

test("what waits while paused is void after a gap, and comes with the newest", async () => {
  video.comments(1);
  list.pause();
  video.comments(2, 3);
  unfilled(4, 9);
  video.comments(10);
  assert.deepEqual([shown(), list.unseen], [[1], 1]);
  video.asked[0].answer({ comments: [comment(3), comment(9), comment(10)], more: true });
  await settled();
  assert.deepEqual([shown(), list.unseen], [[3, 9], 1]);
  list.resume();
  assert.deepEqual([shown(), list.unseen], [[3, 9, 10], 0]);
});

test("an echo becomes the comment of the reply, under the same key", async () => {
  const posting = list.post({ text: " hi ", author: "ann" });
  const [echo] = draw().added;
  assert.deepEqual([echo.pending, echo.comment.text, echo.comment.author], [true, "hi", "ann"]);
  video.asked[0].answer(posted(1, "hi"));
  assert.equal((await posting).comment.seq, 1);
  const { added, updated, removed } = draw();
  assert.deepEqual([added, removed, updated.map(({ key }) => key)], [[], [], [echo.key]]);
  video.told("comment", comment(1, { text: "hi" }));
  assert.deepEqual([shown(), draw()], [[1], undefined]);
});

test("an echo is not shown beside its comment if the stream is first", async () => {
  const posting = list.post({ text: "hi", author: "ann" });
  draw();
  video.told("comment", comment(1, { text: "hi" }));
  const { added, updated } = draw();
  assert.deepEqual([added, seqs(updated), shown()], [[], [1], [1]]);
  video.asked[0].answer(posted(1, "hi"));
  await posting;
  assert.deepEqual([draw(), shown()], [undefined, [1]]);
});

test("the author of an echo may be known to the server only", async () => {
  const posting = list.post({ text: "hi" });
  video.told("comment", comment(1, { text: "hi", author: "Ann of the token" }));
  assert.deepEqual(shown(), [1]);
  video.asked[0].answer(posted(1, "hi"));
  await posting;
  assert.deepEqual(shown(), [1]);
});

test("somebody else's same words do not swallow a comment", async () => {
  const posting = list.post({ text: "hi", author: "ann" });
  video.told("comment", comment(1, { text: "hi" }));
  video.asked[0].answer(posted(2, "hi"));
  await posting;
  video.told("comment", comment(2, { text: "hi" }));
  assert.deepEqual(shown(), [1, 2]);
});

test("the same words twice", async () => {
  const both = [list.post({ text: "hi", author: "ann" }), list.post({ text: "hi", author: "ann" })];
  assert.deepEqual(shown(), ["hi", "hi"]);
  video.told("comment", comment(1, { text: "hi" }));
  video.told("comment", comment(2, { text: "hi" }));
  assert.deepEqual(shown(), [1, 2]);
  video.asked[0].answer(posted(2, "hi"));
  video.asked[1].answer(posted(1, "hi"));
  await Promise.all(both);
  assert.deepEqual(shown(), [1, 2]);
});

test("a reply that comes after the comment's removal brings it not back", async () => {
  const posting = list.post({ text: "hi", author: "ann" });
  video.told("comment", comment(1, { text: "hi" }));
  video.removed(2, 1);
  video.asked[0].answer(posted(1, "hi"));
  await posting;
  assert.deepEqual(shown(), []);
});

test("a reply before the stream is shown in its place", async () => {
  video.comments(1);
  const posting = list.post({ text: "hi", author: "ann" });
  video.asked[0].answer(posted(4, "hi"));
  await posting;
  video.comments(2, 3);
  video.told("comment", comment(4, { text: "hi" }));
  video.comments(5);
  assert.deepEqual(shown(), [1, 2, 3, 4, 5]);
});

test("an echo that is refused or held goes away", async () => {
  const refused = list.post({ text: "no", author: "ann" });
  const held = list.post({ text: "wait", author: "ann" });
  assert.deepEqual(shown(), ["no", "wait"]);
  video.asked[0].refuse(new Error("blocked"));
  video.asked[1].answer({ status: "held", held: "h_1", expiresAt: "" });
  await assert.rejects(refused, /blocked/);
  assert.equal((await held).status, "held");
  assert.deepEqual(shown(), []);
});

test("echoes stay last, and survive a reset", () => {
  void list.post({ text: "mine", author: "ann" });
  video.comments(1, 2);
  assert.deepEqual(shown(), [1, 2, "mine"]);
  video.emit("reset", { reason: "epoch" });
  video.comments(1);
  assert.deepEqual(shown(), [1, "mine"]);
});

test("without echoes", async () => {
  make({ echo: false });
  const posting = list.post({ text: "hi", author: "ann" });
  assert.deepEqual(shown(), []);
  video.asked[0].answer(posted(1, "hi"));
  assert.equal((await posting).status, "posted");
});

test("while paused nothing moves, and what is new is counted", () => {
  video.comments(1, 2);
  draw();
  list.pause();
  video.comments(3, 4, 5);
  video.removed(6, 4);
  assert.deepEqual([draw(), shown(), list.unseen], [undefined, [1, 2], 2]);
  list.resume();
  assert.deepEqual([seqs(draw().added), shown(), list.unseen], [[3, 5], [1, 2, 3, 5], 0]);
});

test("what waits is bounded, and counted all the same", () => {
  make({ limit: 3 });
  video.comments(1, 2, 3);
  list.pause();
  video.comments(4, 5, 6, 7, 8);
  assert.deepEqual([shown(), list.unseen], [[1, 2, 3], 5]);
  list.resume();
  assert.deepEqual(shown(), [6, 7, 8]);
});

test("an own comment is shown while paused", async () => {
  list.pause();
  const posting = list.post({ text: "hi", author: "ann" });
  assert.deepEqual(shown(), ["hi"]);
  video.told("comment", comment(1, { text: "hi" }));
  video.asked[0].answer(posted(1, "hi"));
  await posting;
  assert.deepEqual([shown(), list.unseen], [[1], 0]);
});

test("older comments come before the others, without those removed meanwhile", async () => {
  video.comments(8, 9);
  const reading = list.older(3);
  assert.deepEqual(video.asked[0].query, { before: "aaaaaaaaaaaa-8", limit: 3 });
  video.removed(10, 6);
  video.asked[0].answer({ comments: [comment(5), comment(6), comment(7)], more: true });
  assert.deepEqual(await reading, { added: 2, more: true });
  assert.deepEqual(shown(), [5, 7, 8, 9]);
});

test("older comments have room while paused only, and not without end", async () => {
  make({ limit: 2 });
  video.comments(8, 9);
  assert.deepEqual(await list.older(), { added: 0, more: true });
  list.pause();
  const reading = list.older();
  assert.equal(video.asked[0].query.limit, 4);
  video.asked[0].answer({ comments: [4, 5, 6, 7].map((seq) => comment(seq)), more: true });
  await reading;
  assert.deepEqual(shown(), [4, 5, 6, 7, 8, 9]);
  assert.deepEqual(await list.older(), { added: 0, more: true });
  list.resume();
  assert.deepEqual(shown(), [8, 9]);
});

test("older than nothing are the newest", async () => {
  const reading = list.older(2);
  assert.deepEqual(video.asked[0].query, { before: undefined, limit: 2 });
  video.asked[0].answer({ comments: [comment(1), comment(2)], more: false });
  assert.deepEqual([await reading, shown()], [{ added: 2, more: false }, [1, 2]]);
});

test("a page that was asked for before a reset is void", async () => {
  video.comments(8);
  const reading = list.older();
  video.emit("reset", { reason: "epoch" });
  video.asked[0].answer({ comments: [comment(7)], more: false });
  assert.deepEqual(await reading, { added: 0, more: true });
  assert.deepEqual(shown(), []);
});

test("a reply from before a reset is void", async () => {
  const posting = list.post({ text: "hi", author: "ann" });
  video.cursor = "bbbbbbbbbbbb-0";
  video.emit("reset", { reason: "epoch" });
  video.asked[0].answer(posted(1, "hi"));
  await posting;
  assert.deepEqual(shown(), []);
});

test("a list that is closed hears nothing any more", () => {
  list.close();
  video.comments(1);
  assert.deepEqual(shown(), []);
});
