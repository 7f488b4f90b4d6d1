/** A video on a gateway that does what no test of a real one can time: every end of a stream. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LiveComments } from "../src/index.js";
import { comment, entries, EPOCH, frame, gateway, hello, json, leaping, next, problem, stream } from "./fakes.js";

/** Open a video; `told` is everything that it tells, in order. */
async function open(t, answers, options = {}, client = {}) {
  const { requests, url, close } = await gateway(...answers);
  const video = new LiveComments({ url, ...client }).video("v", options);
  t.after(() => (video.close(), close()));
  const told = [];
  video.on("comment", ({ seq }, { source }) => told.push([source, seq]));
  for (const name of ["gap", "reset", "removed", "settings", "pinned", "viewers", "sanctioned", "restored"]) {
    video.on(name, (data) => told.push([name, data]));
  }
  const states = [];
  video.on("state", ({ state, reason }) => states.push(`${state} ${reason}`.trim()));
  video.open();
  return { video, requests, told, states };
}

const isSeq = (seq) => (comment) => comment.seq === seq;
const streams = (seqs) => seqs.map((seq) => ["stream", seq]);
const page = (name, list, head) => json(200, { [name]: list, head: `${EPOCH}-${head}`, first: "", last: "", more: false });
const path = ({ url }) => decodeURIComponent(url.replace("/v1/videos/v", ""));

test("comments come once, whatever ends the stream and however much comes again", async (t) => {
  const ends = [
    stream([hello(0, 2), entries(1, 2), frame("comment", `${EPOCH}-3`, comment(3)).slice(0, -1)], "cut"),
    stream([hello(2, 2), entries(2, 1, 3)], "whole"),
    problem(502, "bad_gateway"),
    (response) => response.socket.destroy(),
    (response) => response.writeHead(200, { "Content-Type": "text/html" }).end("<p>Log in to the hotel"),
    (response) => response.writeHead(204).end(),
    stream([`retry: 10\n${frame("bye", "", { reason: "drain" })}`]),
    stream([hello(3, 4), entries(1, 4, 3, 5)]),
  ];
  const { video, requests, told, states } = await open(t, ends, { replay: 7 });
  await next(video, "comment", isSeq(5));
  assert.deepEqual(told, streams([1, 2, 3, 4, 5]));
  assert.deepEqual(requests.map(path), [
    "/stream?replay=7",
    `/stream?last_event_id=${EPOCH}-2`,
    ...Array(6).fill(`/stream?last_event_id=${EPOCH}-3`),
  ]);
  assert.deepEqual(states.slice(0, 3), ["connecting", "live", "recovering ended"]);
  for (const reason of ["bad_gateway", "ended", "no_stream", "http_204", "drain"]) {
    assert.ok(states.includes(`recovering ${reason}`), reason);
  }
  assert.equal(states.at(-1), "live");
});

test("it is live when it has come to the head, not before", async (t) => {
  let rest;
  const slow = (response) => {
    stream([hello(0, 3), entries(1, 2)])(response);
    rest = () => response.write(entries(3));
  };
  const { video, states } = await open(t, [slow]);
  await next(video, "comment", isSeq(2));
  assert.deepEqual(states, ["connecting"]);
  rest();
  await next(video, "state");
  assert.deepEqual([states, video.cursor], [["connecting", "live"], `${EPOCH}-3`]);
});

test("a cursor that was kept", async (t) => {
  const cursors = [];
  const { video, requests, told } = await open(t, [stream([hello(7, 8), entries(8)])], { cursor: `${EPOCH}-7`, history: 5 });
  video.on("cursor", ({ cursor }) => cursors.push(cursor));
  await next(video, "cursor", ({ cursor }) => cursor === `${EPOCH}-8`);
  assert.deepEqual([requests.map(path), told], [[`/stream?last_event_id=${EPOCH}-7`], streams([8])]);
});

test("history before the first event, and the stream goes on where it ends", async (t) => {
  const answers = [page("comments", [comment(5), comment(7)], 9), stream([hello(9, 10), entries(10)])];
  const { video, requests, told } = await open(t, answers, { history: 2 });
  await next(video, "comment", isSeq(10));
  assert.deepEqual(told, [["history", 5], ["history", 7], ["stream", 10]]);
  assert.deepEqual(requests.map(path), ["/comments?limit=2", `/stream?last_event_id=${EPOCH}-9`]);
});

test("a long history is read in pages, the oldest told first", async (t) => {
  const log = Array.from({ length: 500 }, (_, at) => comment(at + 1));
  const answer = (response, { url }) => {
    const query = new URL(url, "http://localhost").searchParams;
    const end = Number(/-(\d+)$/.exec(query.get("before") ?? "x-501")[1]) - 1;
    const found = log.slice(Math.max(0, end - Number(query.get("limit"))), end);
    const more = found[0].seq > 1;
    json(200, { comments: found, head: `${EPOCH}-510`, first: found[0].id, last: found.at(-1).id, more })(response);
  };
  for (const [history, limits] of [[450, [200, 200, 50]], [1000, [200, 200, 200]]]) {
    const answers = [answer, answer, answer, stream([hello(510, 511), entries(511)])];
    const { video, requests, told } = await open(t, answers, { history });
    await next(video, "comment", isSeq(511));
    assert.deepEqual(told, [...log.slice(-history).map(({ seq }) => ["history", seq]), ["stream", 511]]);
    const asked = requests.slice(0, 3).map(({ url }) => Number(/limit=(\d+)/.exec(url)[1]));
    assert.deepEqual([asked, path(requests[3])], [limits, `/stream?last_event_id=${EPOCH}-510`]);
  }
});

test("what cannot be read of a long history is left out, and the stream goes on behind the rest", async (t) => {
  const newest = Array.from({ length: 200 }, (_, at) => comment(at + 101));
  const answers = [
    json(200, { comments: newest, head: `${EPOCH}-300`, first: newest[0].id, last: newest.at(-1).id, more: true }),
    problem(503, "unavailable"),
    stream([hello(300, 301), entries(301)]),
  ];
  const { video, told } = await open(t, answers, { history: 300 });
  await next(video, "comment", isSeq(301));
  assert.deepEqual(told.map(([, seq]) => seq), [...newest.map(({ seq }) => seq), 301]);
});

test("what no server gives is refused before it is asked for", () => {
  const client = new LiveComments({ url: "http://127.0.0.1:1/" });
  for (const replay of [-1, 201, 1.5, NaN, "5"]) assert.throws(() => client.video("v", { replay }), RangeError);
  for (const history of [-1, 1001, 1.5, NaN, "5"]) assert.throws(() => client.video("v", { history }), RangeError);
  client.video("v", { replay: 0, history: 1000 });
  client.video("v", { replay: undefined, history: undefined });
});

test("without history there is the stream's own replay", async (t) => {
  const { video, requests } = await open(t, [problem(503, "unavailable"), stream([hello(0, 1), entries(1)])], { history: 2 });
  await next(video, "comment");
  assert.deepEqual(requests.map(path), ["/comments?limit=2", "/stream?replay=50"]);
});

test("a gap is filled from the log, in order, and what comes meanwhile waits", async (t) => {
  const log = [comment(3), { type: "removed", seq: 4, targets: [1], by: "author" }, comment(5), comment(6)];
  const gap = frame("gap", `${EPOCH}-5`, { from: 3, to: 5, reason: "limit" });
  const answers = [
    stream([hello(2, 6), gap, entries(6), frame("viewers", "", { now: 3, peak: 4 })]),
    async (response) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      page("entries", log, 6)(response);
    },
  ];
  const { video, requests, told, states } = await open(t, answers, { cursor: `${EPOCH}-2` });
  await next(video, "viewers");
  const filled = { from: 3, to: 5, reason: "limit", filled: true };
  assert.deepEqual(told, [
    ["history", 3], ["removed", log[1]], ["history", 5], ["gap", filled], ["stream", 6], ["viewers", { now: 3, peak: 4 }],
  ]);
  assert.equal(path(requests[1]), `/entries?after=${EPOCH}-2&limit=200`);
  assert.deepEqual([states.at(-1), video.viewers], ["live", { now: 3, peak: 4 }]);
});

test("a gap of many pages", async (t) => {
  const log = Array.from({ length: 450 }, (_, at) => comment(at + 1));
  const answer = (response, request) => {
    const from = Number(/after=\w+-(\d+)/.exec(path(request))[1]);
    return page("entries", log.slice(from, from + 200), 450)(response);
  };
  const gap = frame("gap", `${EPOCH}-449`, { from: 1, to: 449, reason: "limit" });
  const { video, told } = await open(t, [stream([hello(0, 450), gap, entries(450)]), answer], { cursor: `${EPOCH}-0` });
  await next(video, "comment", isSeq(450));
  assert.deepEqual(told.filter(([name]) => name !== "gap").map(([, seq]) => seq), log.map(({ seq }) => seq));
});

for (const [name, answer] of Object.entries({
  "that the store has not any more": page("entries", [comment(8)], 9),
  "of which nothing is left": page("entries", [], 9),
  "that nobody may read": problem(403, "forbidden"),
})) {
  test(`a gap ${name} is told as it is`, async (t) => {
    const gap = frame("gap", `${EPOCH}-7`, { from: 3, to: 7, reason: "retention" });
    const { video, told } = await open(t, [stream([hello(2, 8), gap, entries(8)]), answer], { cursor: `${EPOCH}-2` });
    await next(video, "comment", isSeq(8));
    assert.deepEqual(told, [["gap", { from: 3, to: 7, reason: "retention", filled: false }], ["stream", 8]]);
  });
}

test("a gap that cannot be read just now is not lost: it is asked for until somebody answers", async (t) => {
  const leap = leaping(t);
  const gap = frame("gap", `${EPOCH}-4`, { from: 3, to: 4, reason: "limit" });
  const away = (response) => (leap(60_000), problem(503, "unavailable", { "Retry-After": "0" })(response));
  const back = page("entries", [comment(3), comment(4), comment(5)], 5);
  const answers = [stream([hello(2, 5), gap, entries(5)]), away, away, away, away, back];
  const { video, told } = await open(t, answers, { cursor: `${EPOCH}-2` });
  await next(video, "comment", isSeq(5));
  const filled = { from: 3, to: 4, reason: "limit", filled: true };
  assert.deepEqual(told, [["history", 3], ["history", 4], ["gap", filled], ["stream", 5]]);
});

test("a gap without end is not read", async (t) => {
  const gap = frame("gap", `${EPOCH}-9000`, { from: 1, to: 9000, reason: "limit" });
  const { video, told, requests } = await open(t, [stream([hello(0, 9001), gap, entries(9001)])], { cursor: `${EPOCH}-0` });
  await next(video, "comment");
  assert.deepEqual(told[0], ["gap", { from: 1, to: 9000, reason: "limit", filled: false }]);
  assert.equal(requests.length, 1);
});

test("numbers that are missing are read from the log without a word", async (t) => {
  const answers = [stream([hello(0, 4), entries(1, 4)]), page("entries", [comment(2), comment(3), comment(4)], 4)];
  const { video, told } = await open(t, answers);
  await next(video, "comment", isSeq(4));
  assert.deepEqual(told, [["stream", 1], ["history", 2], ["history", 3], ["stream", 4]]);
});

test("a stream that ends while a gap is filled", async (t) => {
  const gap = frame("gap", `${EPOCH}-2`, { from: 1, to: 2, reason: "memory" });
  let fill;
  const answers = [
    stream([hello(0, 3), gap, entries(3)], "cut"),
    (response) => (fill = () => page("entries", [comment(1), comment(2)], 3)(response)),
    (response) => {
      stream([hello(0, 4), gap, entries(3, 4)])(response);
      setTimeout(fill, 20);
    },
  ];
  const { video, told } = await open(t, answers, { cursor: `${EPOCH}-0` });
  await next(video, "comment", isSeq(4));
  assert.deepEqual(told.map(([, seq]) => seq.to ?? seq), [1, 2, 2, 3, 4]);
});

test("a reset makes everything void", async (t) => {
  const reset = frame("reset", "bbbbbbbbbbbb-0", { reason: "epoch" });
  const other = frame("comment", "bbbbbbbbbbbb-1", comment(1, { id: "bbbbbbbbbbbb-1" }));
  const state = frame("state", "", { settings: { closed: true }, pinned: comment(2), viewers: { now: 1, peak: 1 } });
  const { video, told } = await open(t, [stream([hello(0, 2), state, entries(1, 2), reset, other])]);
  const begun = next(video, "comment", ({ id }) => id === "bbbbbbbbbbbb-1");
  await next(video, "reset");
  assert.deepEqual([video.settings, video.pinned, video.viewers], [null, null, null]);
  await begun;
  assert.deepEqual(told.slice(-2), [["reset", { reason: "epoch" }], ["stream", 1]]);
  assert.equal(video.cursor, "bbbbbbbbbbbb-1");
});

test("the rules of a video", async (t) => {
  const entry = (type, seq, more) => frame(type, `${EPOCH}-${seq}`, { id: `${EPOCH}-${seq}`, type, video_id: "v", seq, created_at: "t", ...more });
  const texts = [
    hello(0, 7),
    frame("state", "", { settings: { closed: false }, pinned: comment(1) }),
    entries(1, 2),
    entry("settings", 3, { closed: true }),
    entry("removed", 4, { targets: [1], by: "moderator" }),
    entry("restored", 5, { comment: comment(1) }),
    entry("pinned", 6, { comment: null }),
    entry("tombstone", 7, {}),
    entry("of_tomorrow", 8, {}),
    entry("sanctioned", 9, { author_id: "u_1", until: null, purge: false }),
  ];
  const { video, told } = await open(t, [stream(texts)]);
  const [sanction] = await next(video, "sanctioned");
  assert.equal(sanction.author_id, "u_1");
  assert.deepEqual([video.settings, video.pinned, video.cursor], [{ closed: true }, null, `${EPOCH}-9`]);
  const pins = told.filter(([name]) => name === "pinned").map(([, { comment }]) => comment?.seq ?? null);
  assert.deepEqual(pins, [1, null, 1, null]);
  assert.deepEqual(told.filter(([name]) => name === "settings"), [["settings", { closed: false }], ["settings", { closed: true }]]);
});

test("what something in between refuses for a moment is asked for again", async (t) => {
  const refusals = [[408, "http_408"], [425, "http_425"], [429, "slow_down"], [429, "too_many_requests"]];
  const answers = refusals.map(([status, code]) => problem(status, code, { "Retry-After": "0" }));
  const { video, states } = await open(t, [...answers, stream([hello(0, 1), entries(1)])]);
  await next(video, "comment");
  assert.deepEqual(states, ["connecting", ...refusals.map(([, code]) => `connecting ${code}`), "live"]);
});

test("a ticket is fetched where one is needed, and again when it is over", async (t) => {
  let count = 0;
  const ticket = (response) =>
    json(200, { ticket: `t${++count}`, expires_at: new Date(Date.now() + 60_000).toISOString() })(response);
  const answers = [
    problem(401, "ticket_missing"),
    ticket,
    stream([hello(0, 1, 60_000), entries(1), `retry: 60000\n${frame("bye", "", { reason: "expired" })}`]),
    ticket,
    stream([hello(1, 2), entries(2)]),
  ];
  const { video, requests, told, states } = await open(t, answers, {}, { getToken: () => "token" });
  await next(video, "comment", isSeq(2));
  assert.deepEqual(requests.map(path), [
    "/stream?replay=50",
    "/tickets",
    "/stream?replay=50&ticket=t1",
    "/tickets",
    `/stream?last_event_id=${EPOCH}-1&ticket=t2`,
  ]);
  assert.equal(requests[1].headers.authorization, "Bearer token");
  assert.deepEqual(told, streams([1, 2]));
  assert.deepEqual(states, ["connecting", "live", "recovering expired", "live"]);
});

test("the next ticket is there before the first one is over", async (t) => {
  let first;
  const leap = leaping(t);
  const ticket = (name, lifeMs) => json(200, { ticket: name, expires_at: new Date(Date.now() + lifeMs).toISOString() });
  const answers = [
    problem(401, "ticket_missing"),
    (response) => ticket("t1", 60_000)(response),
    (response) => (stream([hello(0, 1), entries(1)])((first = response)), leap(60_000)),
    (response) => {
      ticket("t2", 3_600_000)(response);
      setTimeout(() => first.write(frame("bye", "", { reason: "expired" })), 50);
    },
    stream([hello(1, 2), entries(2)]),
  ];
  const { video, requests, told } = await open(t, answers, {}, { getToken: () => "token" });
  await next(video, "comment", isSeq(2));
  assert.deepEqual(told, streams([1, 2]));
  assert.deepEqual(requests.slice(3).map(path), ["/tickets", `/stream?last_event_id=${EPOCH}-1&ticket=t2`]);
});

for (const [name, answers, code, client] of [
  ["has no token", [problem(401, "ticket_missing"), problem(401, "token_missing")], "token_missing", {}],
  ["may not read", [problem(401, "ticket_missing"), problem(403, "forbidden")], "forbidden", { getToken: () => "t" }],
  ["asks for what is not there", [problem(404, "not_found")], "not_found", {}],
]) {
  test(`whoever ${name} is told, and it ends`, async (t) => {
    const { video, states, requests } = await open(t, answers, {}, client);
    const [refused] = await next(video, "problem");
    assert.deepEqual([refused.code, states], [code, ["connecting", `closed ${code}`]]);
    assert.equal(requests.length, answers.length);
    video.open(); // such as after somebody has logged in
    await next(video, "problem");
  });
}

test("whoever is told why it was closed may open it again at once", async (t) => {
  const answers = [problem(404, "not_found"), stream([hello(0, 1), entries(1)])];
  const { video, states } = await open(t, answers);
  video.once("problem", () => video.open());
  await next(video, "comment");
  assert.deepEqual(states, ["connecting", "closed not_found", "connecting", "live"]);
});

test("what is no ticket does not end it", async (t) => {
  const answers = [problem(401, "ticket_missing"), json(200, null), json(200, { ticket: "t" }), stream([hello(0, 1), entries(1)])];
  const { video, states } = await open(t, answers);
  await next(video, "comment");
  assert.deepEqual(states, ["connecting", "connecting failed", "live"]);
});

test("a reset to a shorter log in the middle of a stream is live again", async (t) => {
  let rest;
  const reset = frame("reset", "bbbbbbbbbbbb-0", { reason: "epoch" });
  const other = frame("comment", "bbbbbbbbbbbb-1", comment(1, { id: "bbbbbbbbbbbb-1" }));
  const answer = (response) => {
    stream([hello(0, 9), entries(1)])(response);
    rest = () => response.write(reset + other);
  };
  const { video, states } = await open(t, [answer]);
  await next(video, "comment");
  assert.deepEqual(states, ["connecting"]);
  rest();
  await next(video, "state", ({ state }) => state === "live");
});

test("closed is closed: nothing comes, nothing is asked; and it opens again where it was", async (t) => {
  const answers = [stream([hello(0, 2), entries(1, 2)]), stream([hello(1, 2), entries(2)])];
  const { video, told, requests } = await open(t, answers);
  await next(video, "comment", ({ seq }) => seq === 1 && (video.close(), true));
  assert.deepEqual([video.state, video.reason, told, video.cursor], ["closed", "client", streams([1]), `${EPOCH}-1`]);
  video.close();
  video.open();
  video.open();
  await next(video, "comment", isSeq(2));
  assert.deepEqual([told, requests.length], [streams([1, 2]), 2]);
});

test("closed while it waits to come back", async (t) => {
  const { video, requests } = await open(t, [stream([hello(0, 0, 60_000)], "cut")]);
  await next(video, "state", ({ state }) => state === "recovering" && (video.close(), true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(requests.length, 1);
});
