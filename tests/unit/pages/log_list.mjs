/**
 * Goes through the moderators' log at random, up and down, paused and not, while comments come and are
 * removed. `node log_list.mjs SEED`: fails if what is shown ever has a hole, a double or too much, or if
 * something cannot be reached at the end.
 */
globalThis.requestAnimationFrame = (draw) => setTimeout(draw, 0);
const { LogList } = await import("../../../pages/static/moderate_list.js");

const EPOCH = "abcdefghijkl";
const STEPS = 600;
const MOST = 600;
let seed = Number(process.argv[2]);
const random = (below) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
const idOf = (seq) => `${EPOCH}-${seq}`;
const seqOf = (id) => Number(id.split("-")[1]);
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const isRow = ({ type }) => !type;
function must(good, what) {
  if (!good) throw new Error(what);
}

/** All entries, in order; and the comments that are removed. */
const log = [];
const removed = new Set();
const listeners = {};
const video = {
  cursor: idOf(0),
  on: (name, listener) => (listeners[name] = listener),
  async entries({ before, after, limit }) {
    await wait(random(3));
    const from = after === undefined ? (before ? seqOf(before) - 1 : log.length) - limit : seqOf(after);
    const to = from + limit;
    const entries = log.slice(Math.max(0, from), to).map((entry) => {
      return isRow(entry) && removed.has(entry.seq) ? { ...entry, type: "tombstone" } : entry;
    });
    const [first, last] = [entries[0], entries.at(-1)].map((entry) => entry?.id ?? idOf(log.length));
    return { entries, first, last, head: idOf(log.length), more: after === undefined ? from > 0 : to < log.length };
  },
};

function append(name, more) {
  const seq = log.length + 1;
  const entry = { id: idOf(seq), video_id: "v1", seq, created_at: "", ...more };
  log.push(entry);
  video.cursor = entry.id;
  listeners[name]?.(entry);
}
const say = () => append("comment", { author: "ann", text: "hello" });
function remove() {
  const seq = 1 + random(log.length);
  if (!isRow(log[seq - 1])) return;
  removed.add(seq);
  append("removed", { type: "removed", targets: [seq], by: "moderator" });
}

for (let n = 0; n < 50; n++) say();
const list = new LogList(video);
list.begin(await video.entries({ limit: 100 }));
const rows = new Set(); // as a feed keeps them
list.on("change", (change) => {
  for (const { key } of change.removed) rows.delete(key);
  for (const { key } of change.added) rows.add(key);
  must(change.items.length === rows.size && change.items.every(({ key }) => rows.has(key)), "rows are others");
});

function check() {
  const shown = list.items.map(({ comment: { seq } }) => seq);
  const [first, last] = [shown[0], shown.at(-1)];
  const wanted = log.filter((entry) => isRow(entry) && entry.seq >= first && entry.seq <= last);
  must(shown.join() === wanted.map(({ seq }) => seq).join(), "a hole or a double");
  must(shown.length <= MOST, "too many");
  must(list.items.every(({ comment: { seq }, gone }) => removed.has(seq) === (gone !== null)), "a removal");
}

const acts = [
  ...Array(4).fill(() => Array.from({ length: random(120) }, say)),
  remove,
  () => (list.paused ? list.resume() : list.pause()),
  ...Array(3).fill(() => void list.further()),
  ...Array(3).fill(() => {
    list.pause();
    void list.older();
  }),
  () => list.admit(),
  () => wait(1),
];
for (let step = 0; step < STEPS; step++) {
  await acts[random(acts.length)]();
  check();
  if (random(3) === 0) await wait(1);
  check();
}

list.pause();
await wait(50);
for (let more = true; more; check()) ({ more } = await list.older());
const reached = new Set();
const note = () => list.items.forEach(({ comment: { seq } }) => reached.add(seq));
for (note(); list.hasMore; note()) {
  await list.further();
  check();
}
must(reached.size === log.filter(isRow).length, "something is out of reach");
must(list.unseen === 0, "something is said to be new");
