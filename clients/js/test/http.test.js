/** Requests: tokens, problems, and what is sent again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LiveComments, Problem } from "../src/index.js";
import { comment, gateway, json, leaping, problem } from "./fakes.js";

/** A video of a gateway that answers like this. */
async function open(t, answers, options = {}) {
  const { requests, url, close } = await gateway(...answers);
  t.after(close);
  return { video: new LiveComments({ url, ...options }).video("v"), requests };
}

const created = json(201, comment(1));
const gone = (response) => response.socket.destroy();
const authorizations = (requests) => requests.map(({ headers }) => headers.authorization);
const keys = (requests) => new Set(requests.map(({ headers }) => headers["idempotency-key"]));

test("a post is sent again with one key until there is a reply", async (t) => {
  const again = [503, 502, 504].map((status) => problem(status, "x", { "Retry-After": "0" }));
  const limited = problem(429, "too_many_requests", { "Retry-After": "0" });
  const { video, requests } = await open(t, [gone, ...again, limited, created]);
  const { status, comment } = await video.post({ text: "hi", author: "ann" });
  assert.deepEqual([status, comment.seq, requests.length], ["posted", 1, 6]);
  assert.equal(keys(requests).size, 1);
  assert.match([...keys(requests)][0], /^[0-9a-f]{32}$/);
  assert.deepEqual(requests[5].body, { text: "hi", author: "ann" });
});

test("each post has a key of its own, or the caller's", async (t) => {
  const { video, requests } = await open(t, [created]);
  await video.post({ text: "hi" });
  await video.post({ text: "hi" });
  await video.post({ text: "hi", key: "mine" });
  assert.equal(keys(requests).size, 3);
  assert.equal(requests[2].headers["idempotency-key"], "mine");
  assert.deepEqual(requests[2].body, { text: "hi" });
});

test("it waits as long as the reply says", async (t) => {
  const { video } = await open(t, [problem(503, "overloaded", { "Retry-After": "1" }), created]);
  const began = performance.now();
  await video.post({ text: "hi" });
  assert.ok(performance.now() - began >= 1000);
});

for (const [status, code] of [
  [429, "slow_mode"], [429, "timed_out"], [403, "banned"], [403, "closed"], [422, "blocked"], [409, "duplicate"],
  [500, "internal"], [410, "removed"],
]) {
  test(`${code} is told at once`, async (t) => {
    const body = { title: "No", status, code, detail: "why", field: "text" };
    const { video, requests } = await open(t, [json(status, body, { "Retry-After": "7" })]);
    await assert.rejects(video.post({ text: "hi" }), (refused) => {
      assert.ok(refused instanceof Problem && refused instanceof Error);
      assert.deepEqual({ ...refused }, { name: "Problem", code, status, title: "No", detail: "why", field: "text", retryAfter: 7, key: refused.key });
      assert.equal(refused.message, "No: why");
      return true;
    });
    assert.equal(requests.length, 1);
  });
}

test("a reply that is no problem document has a code all the same", async (t) => {
  const { video } = await open(t, [(response) => response.writeHead(418).end("<h1>teapot</h1>")]);
  await assert.rejects(video.post({ text: "hi" }), { code: "http_418", status: 418, title: "I'm a Teapot" });
});

test("whatever a post rejects with has its key", async (t) => {
  const { video, requests } = await open(t, [problem(429, "slow_mode"), problem(503, "unavailable", { "Retry-After": "600" })]);
  await assert.rejects(video.post({ text: "hi", key: "mine" }), { code: "slow_mode", key: "mine" });
  const failed = await video.post({ text: "hi" }).catch((problem) => problem);
  assert.deepEqual([failed.code, failed.key], ["unavailable", requests[1].headers["idempotency-key"]]);
  await assert.rejects(video.post({ text: "hi", key: failed.key }), { key: failed.key });
  assert.equal(requests[2].headers["idempotency-key"], failed.key);
  await assert.rejects(video.me(), { code: "unavailable", key: undefined });
});

test("what cannot be a key is told with it", async (t) => {
  const { video } = await open(t, [created]);
  await assert.rejects(video.post({ text: "hi", key: "Ж" }), { name: "TypeError", key: "Ж" });
});

test("a sleep of ten minutes uses nothing up, wherever it falls", async (t) => {
  const leap = leaping(t);
  const asleep = (answer) => (response) => (leap(600_000), answer(response));
  const inThePause = (response) => {
    problem(503, "unavailable", { "Retry-After": "0" })(response);
    setTimeout(() => leap(600_000), 1);
  };
  const { video, requests } = await open(t, [asleep(gone), inThePause, asleep(problem(502, "bad_gateway")), created]);
  assert.equal((await video.post({ text: "hi" })).status, "posted");
  assert.deepEqual([requests.length, keys(requests).size], [4, 1]);
});

test("an attempt is charged with what it may take, so a post ends all the same", async (t) => {
  const leap = leaping(t);
  const late = (response) => (leap(60_000), problem(503, "unavailable", { "Retry-After": "0" })(response));
  const { video, requests } = await open(t, [late]);
  await assert.rejects(video.post({ text: "hi" }), { code: "unavailable" });
  assert.ok(requests.length >= 7 && requests.length <= 8, `${requests.length} attempts`);
});

test("a held comment", async (t) => {
  const { video } = await open(t, [json(202, { held: "h_1", expires_at: "soon" })]);
  assert.deepEqual(await video.post({ text: "hi" }), { status: "held", held: "h_1", expiresAt: "soon" });
});

test("the caller ends it", async (t) => {
  const controller = new AbortController();
  const { video, requests } = await open(t, [() => controller.abort()]);
  const posting = video.post({ text: "hi" }, { signal: controller.signal });
  await assert.rejects(posting, { code: "aborted", status: 0 });
  await assert.rejects(video.history({ signal: controller.signal }), { code: "aborted" });
  assert.equal(requests.length, 1);
});

test("the caller ends it while it waits", async (t) => {
  const controller = new AbortController();
  const { video } = await open(t, [problem(503, "unavailable", { "Retry-After": "60" })]);
  const posting = video.post({ text: "hi" }, { signal: controller.signal });
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(posting, { code: "aborted" });
});

test("what is ended before it is sent is not sent", async (t) => {
  const { video, requests } = await open(t, [created]);
  await assert.rejects(video.post({ text: "hi" }, { signal: AbortSignal.abort() }), { code: "aborted" });
  assert.equal(requests.length, 0);
});

test("what is ended while it waits is not sent again", async (t) => {
  const controller = new AbortController();
  const away = (response) => {
    problem(503, "unavailable", { "Retry-After": "1" })(response);
    setTimeout(() => controller.abort(), 100);
  };
  const { video, requests } = await open(t, [away, created]);
  const posting = video.post({ text: "hi" }, { signal: controller.signal });
  await assert.rejects(posting, { code: "aborted", passing: false });
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(requests.length, 1);
});

test("who waits for the page's token can end it", async (t) => {
  const controller = new AbortController();
  const { video, requests } = await open(t, [created], { getToken: () => new Promise(() => {}) });
  const posting = video.post({ text: "hi" }, { signal: controller.signal });
  controller.abort();
  await assert.rejects(posting, { code: "aborted" });
  assert.equal(requests.length, 0);
});

test("what cannot be a token is told as such, and asked for again", async (t) => {
  const given = ["of two\nlines", "schön", 7, {}, "good"];
  const { video, requests } = await open(t, [created], { getToken: () => given.shift() });
  await video.post({ text: "a" });
  assert.deepEqual(authorizations(requests), ["Bearer good"]);
});

test("a page whose function throws at once is asked again", async (t) => {
  let asked = 0;
  const getToken = () => {
    if (++asked === 1) throw new Error("offline");
    return "good";
  };
  const { video, requests } = await open(t, [created], { getToken });
  await video.post({ text: "a" });
  assert.deepEqual([asked, authorizations(requests)], [2, ["Bearer good"]]);
});

test("the token goes with posts, and is asked for once", async (t) => {
  const asked = [];
  const getToken = async ({ reason }) => `${asked.push(reason)}`;
  const { video, requests } = await open(t, [created], { getToken });
  await Promise.all([video.post({ text: "a" }), video.post({ text: "b" }), video.me()]);
  assert.deepEqual([asked, authorizations(requests)], [["missing"], ["Bearer 1", "Bearer 1", "Bearer 1"]]);
});

test("a token that is over is replaced, once for all, and the post sent again with its key", async (t) => {
  const asked = [];
  const getToken = async ({ reason }) => `${asked.push(reason)}`;
  const over = (response, { headers }) => {
    const isNew = headers.authorization === "Bearer 2";
    return (isNew ? created : problem(401, "token_expired"))(response);
  };
  const { video, requests } = await open(t, [over], { getToken });
  await Promise.all([video.post({ text: "a", key: "a" }), video.post({ text: "b", key: "b" })]);
  assert.deepEqual([asked, requests.length, keys(requests).size], [["missing", "expired"], 4, 2]);
});

test("a token that is refused again is a problem", async (t) => {
  const getToken = () => "same";
  const { video, requests } = await open(t, [problem(401, "token_invalid")], { getToken });
  await assert.rejects(video.post({ text: "a" }), { code: "token_invalid" });
  assert.equal(requests.length, 1); // the same one is not worth a second try
});

test("guests have none", async (t) => {
  const { video, requests } = await open(t, [created], { getToken: () => null });
  await video.post({ text: "a" });
  assert.deepEqual(authorizations(requests), [undefined]);
});

test("a page that cannot give a token is asked again", async (t) => {
  let asked = 0;
  const getToken = async (t) => {
    if (++asked === 1) throw new Error("offline");
    return "good";
  };
  const { video, requests } = await open(t, [created], { getToken });
  await video.post({ text: "a" });
  assert.deepEqual([asked, authorizations(requests)], [2, ["Bearer good"]]);
});

test("to read, the token is shown only where it is needed", async (t) => {
  const page = { comments: [], head: "aaaaaaaaaaaa-0", first: "", last: "", more: false };
  const asked = [];
  const getToken = ({ reason }) => `${asked.push(reason)}`;
  const { video, requests } = await open(t, [json(200, page), problem(401, "token_missing"), json(200, page)], { getToken });
  await video.history({ limit: 3, before: "aaaaaaaaaaaa-9" });
  assert.equal(asked.length, 0);
  assert.equal(requests[0].url, "/v1/videos/v/comments?limit=3&before=aaaaaaaaaaaa-9");
  await video.entries();
  await video.entries();
  assert.deepEqual(authorizations(requests), [undefined, undefined, "Bearer 1", "Bearer 1"]);
});

test("the calls of moderators", async (t) => {
  const tagged = json(200, { closed: true }, { ETag: '"7"' });
  const { video, requests } = await open(t, [tagged], { getToken: () => "t" });
  const { moderation } = video;
  assert.deepEqual(await moderation.updateSettings({ closed: true }, { ifMatch: '"6"' }), { settings: { closed: true }, etag: '"7"' });
  await moderation.settings();
  await moderation.remove(3, { reason: "spam" });
  await moderation.remove([3, 4]);
  await moderation.restore(3);
  await moderation.sanction("u_1", { purge: true });
  await moderation.lift("u_1");
  await moderation.sanctions({ limit: 5 });
  await moderation.pin(3);
  await moderation.unpin();
  await moderation.held({ limit: 5 });
  await moderation.decide("h_1", "approve");
  await moderation.filters();
  await moderation.setFilters({ terms: [] }, { ifMatch: '"1"' });
  await moderation.testFilters("text");
  await moderation.audit({ before: "x" });
  const told = requests.map(({ method, url, body }) => [method, url.slice("/v1/videos/v".length), body]);
  assert.deepEqual(told, [
    ["PATCH", "/settings", { closed: true }],
    ["GET", "/settings", ""],
    ["POST", "/removals", { seqs: [3], reason: "spam" }],
    ["POST", "/removals", { seqs: [3, 4] }],
    ["POST", "/comments/3/restore", ""],
    ["PUT", "/sanctions/u_1", { purge: true }],
    ["DELETE", "/sanctions/u_1", ""],
    ["GET", "/sanctions?limit=5", ""],
    ["PUT", "/pin", { seq: 3 }],
    ["DELETE", "/pin", ""],
    ["GET", "/held?limit=5", ""],
    ["POST", "/held/h_1", { decision: "approve" }],
    ["GET", "/filters", ""],
    ["PUT", "/filters", { terms: [] }],
    ["POST", "/filters/test", { text: "text" }],
    ["GET", "/audit?before=x", ""],
  ]);
  assert.equal(requests[0].headers["if-match"], '"6"');
  assert.ok(authorizations(requests).every((sent) => sent === "Bearer t"));
});

test("what cannot be is refused before it is sent", () => {
  assert.throws(() => new LiveComments(), TypeError);
  assert.throws(() => new LiveComments({ url: "comments.example.org" }), TypeError);
  const client = new LiveComments({ url: "http://127.0.0.1:1/" });
  for (const id of ["", "a b", "a/b", "x".repeat(65)]) assert.throws(() => client.video(id), TypeError);
});
