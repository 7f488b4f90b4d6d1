/** One stream for several tabs: here all in one process, with locks as a browser has them. */
import assert from "node:assert/strict";
import { setMaxListeners } from "node:events";
import { beforeEach, test } from "node:test";
import { SharedStream } from "../src/tabs.js";
import { comment, EPOCH } from "./fakes.js";

let refusal;

/** Web Locks, as far as they are used: exclusive, in order, taken away by `steal`. */
class Locks {
  #holders = new Map();
  #queues = new Map();

  request(name, { signal, steal }, callback) {
    if (refusal) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      const holder = { callback, resolve, reject };
      const queue = this.#queues.get(name) ?? [];
      this.#queues.set(name, queue);
      const gone = () => {
        const at = queue.indexOf(holder);
        if (at >= 0) reject(queue.splice(at, 1) && new DOMException("", "AbortError"));
      };
      signal?.addEventListener("abort", gone);
      if (steal) {
        this.#holders.get(name)?.reject(new DOMException("", "AbortError"));
        this.#holders.delete(name);
        queue.unshift(holder);
      } else queue.push(holder);
      this.#grant(name);
    });
  }

  #grant(name) {
    const queue = this.#queues.get(name);
    if (this.#holders.has(name) || !queue.length) return;
    const holder = queue.shift();
    this.#holders.set(name, holder);
    Promise.resolve().then(holder.callback).then(holder.resolve, holder.reject).finally(() => {
      if (this.#holders.get(name) !== holder) return;
      this.#holders.delete(name);
      this.#grant(name);
    });
  }
}

const locks = new Locks();
Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
globalThis.window = new EventTarget();
setMaxListeners(0, window);
globalThis.document = {};
let names = 0;
let name;
beforeEach(() => {
  name = `channel ${++names}`;
  refusal = undefined;
});

/** A tab: what it was told, and its stream while it has one. */
class Tab {
  frames = [];
  lost = [];
  begun = [];
  cursor;
  stream;

  constructor(t, cursor, page) {
    this.cursor = cursor;
    this.page = page;
    const reader = {
      cursor: () => this.cursor,
      frames: (frames) => this.#take(frames),
      lost: (reason) => this.lost.push(reason),
      refused: () => {},
      begin: (count) => this.#begin(count),
      state: () => ({ settings: null }),
    };
    this.source = new SharedStream(name, 50, reader, (reader) => (this.stream = fakeStream(reader)));
    t.after(() => this.source.stop());
    this.source.start();
  }

  /** A page that takes as long as a test says. */
  async #begin(count) {
    this.begun.push(count);
    await this.page;
    this.frames.push("page");
    this.cursor ??= `${EPOCH}-0`;
  }

  #take(frames) {
    this.frames.push(...frames.map(({ type, id }) => `${type} ${id}`.trim()));
    for (const { type, id } of frames) if (type === "comment") this.cursor = id;
  }

  get leads() {
    return this.stream?.running === true;
  }

  tells(...seqs) {
    this.stream.reader.heard();
    this.stream.reader.frames(seqs.map((seq) => ({ type: "comment", id: `${EPOCH}-${seq}`, data: comment(seq) })));
  }
}

function fakeStream(reader) {
  const stream = { reader, running: false, restarts: 0, pokes: 0 };
  return Object.assign(stream, {
    start: () => (stream.running = true),
    stop: () => (stream.running = false),
    restart: () => stream.restarts++,
    poke: () => stream.pokes++,
  });
}

async function eventually(condition) {
  for (const end = performance.now() + 30_000; !condition(); ) {
    assert.ok(performance.now() < end, condition.toString());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const sees = (tab, seq) => () => tab.frames.includes(`comment ${EPOCH}-${seq}`);

test("the first has the stream, the others what it brings", async (t) => {
  const first = new Tab(t, `${EPOCH}-0`);
  await eventually(() => first.leads);
  first.tells(1);
  const others = [new Tab(t, `${EPOCH}-1`), new Tab(t, `${EPOCH}-1`)];
  await eventually(() => others.every((tab) => tab.frames.length));
  assert.deepEqual(others[0].frames.slice(0, 2), [`hello ${EPOCH}-1`, "state"]);
  first.tells(2);
  for (const tab of others) await eventually(sees(tab, 2));
  first.stream.reader.lost("silent");
  for (const tab of others) await eventually(() => tab.lost.at(-1) === "silent");
  assert.ok(!others.some((tab) => tab.leads));
});

test("whoever comes without a cursor reads a page first", async (t) => {
  const first = new Tab(t, `${EPOCH}-0`);
  await eventually(() => first.leads);
  first.tells(1, 2);
  const second = new Tab(t);
  await eventually(() => second.frames.length);
  await eventually(() => second.frames.length > 2);
  assert.deepEqual([second.begun, second.frames.slice(0, 3)], [[50], ["page", `hello ${EPOCH}-2`, "state"]]);
});

test("nothing is followed before the page is there, however long it takes", async (t) => {
  const first = new Tab(t, `${EPOCH}-0`);
  await eventually(() => first.leads);
  let come;
  const second = new Tab(t, undefined, new Promise((resolve) => (come = resolve)));
  await eventually(() => second.begun.length);
  first.tells(1);
  await new Promise((resolve) => setTimeout(resolve, 2_500)); // more than a check
  assert.deepEqual([second.begun, second.frames], [[50], []]);
  come();
  await eventually(() => second.frames.length > 2);
  assert.equal(second.frames[0], "page");
  first.tells(2);
  await eventually(sees(second, 2));
  assert.equal(second.begun.length, 1);
});

test("when it is closed the next one takes over, from its own cursor", async (t) => {
  const [first, second, third] = [1, 2, 3].map(() => new Tab(t, `${EPOCH}-0`));
  await eventually(() => first.leads && second.frames.length && third.frames.length);
  first.tells(1);
  await eventually(sees(third, 1));
  const before = third.frames.length;
  first.source.stop();
  await eventually(() => second.leads);
  assert.equal(second.stream.reader.cursor(), `${EPOCH}-1`);
  await eventually(() => third.frames.length > before); // it has joined the new one
  second.tells(2);
  await eventually(sees(third, 2));
  assert.ok(!first.leads && !third.leads);
});

test("a tab that is put to sleep leaves the stream to the others, and comes back", async (t) => {
  const [first, second] = [1, 2].map(() => new Tab(t, `${EPOCH}-0`));
  await eventually(() => first.leads && second.frames.length);
  first.source.stop(); // as `freeze` would, which both of them would hear here
  await eventually(() => second.leads);
  window.dispatchEvent(new Event("freeze"));
  await eventually(() => !second.leads);
  window.dispatchEvent(new Event("resume"));
  await eventually(() => second.leads);
});

test("whoever loses the lock follows whoever has it", async (t) => {
  const [first, second] = [1, 2].map(() => new Tab(t, `${EPOCH}-0`));
  await eventually(() => first.leads && second.frames.length);
  void locks.request(name, { steal: true }, async () => {}).catch(() => {});
  await eventually(() => !first.leads && second.leads);
  second.tells(1);
  await eventually(sees(first, 1));
});

test("where there are no locks each has its own stream", async (t) => {
  refusal = new DOMException("", "SecurityError");
  const [first, second] = [1, 2].map(() => new Tab(t, `${EPOCH}-0`));
  await eventually(() => first.leads && second.leads);
  first.source.stop();
  assert.ok(!first.leads);
});

test("what is asked of it is asked of the stream that it has", async (t) => {
  const [first, second] = [1, 2].map(() => new Tab(t, `${EPOCH}-0`));
  await eventually(() => first.leads && second.frames.length);
  const before = second.frames.length;
  for (const { source } of [first, second]) {
    source.poke();
    source.restart();
  }
  await eventually(() => second.frames.length > before); // joined again
  assert.deepEqual([first.stream.restarts, first.stream.pokes], [1, 1]);
});
