/**
 * The log as moderators see it: comments in order, with those that were removed among them. It looks
 * to a feed like the client's `CommentList`, which forgets what was removed.
 *
 * Invariants: `items` is a piece of the log without a hole, at most LIMIT rows, OLDER times as many while
 * it is paused. What waits is the newest piece, at most LIMIT rows, and the two meet unless the list is
 * `behind`: then what is between them was not kept, and is read when somebody goes on past the last row.
 * So everything can be reached from everywhere, up and down, and nothing is skipped without a word.
 */

import { Emitter } from "./client/emitter.js";
import { calmly, LIMIT } from "./feed.js";
import { blank, insert, itemOf, noChanges, seqOf } from "./moderate_items.js";
import { Removals } from "./moderate_removals.js";

/** @typedef {import("./index.d.ts").Comment} Comment */
/** @typedef {import("./index.d.ts").Entry} Entry */
/** @typedef {import("./index.d.ts").EntryPage} EntryPage */
/** @typedef {import("./index.d.ts").PageQuery} PageQuery */
/** @typedef {import("./index.d.ts").Video} Video */
/** @typedef {import("./moderate_removals.js").Gone} Gone */
/** @typedef {import("./moderate_items.js").LogItem} LogItem */
/** @typedef {{added: LogItem[], removed: LogItem[], updated: LogItem[], reset: boolean, items: LogItem[]}} Change */

const OLDER = 3;
const PAGE = 100;

/** @extends {Emitter<{change: [Change]}>} */
export class LogList extends Emitter {
  paused = false;
  /** How many have come since it was paused, and were not shown yet. */
  unseen = 0;
  /** Whether there is a hole before those that wait. */
  behind = false;
  /** @type {LogItem[]} */
  items = [];
  #video;
  /** All that is shown or waits. @type {Map<number, LogItem>} */
  #bySeq = new Map();
  /** @type {LogItem[]} */
  #waiting = [];
  #removals = new Removals();
  /** Where the page before the first row ends, and where the hole begins. */
  #before = "";
  #after = "";
  /** The newest number that was ever shown. */
  #seen = 0;
  #isReading = false;
  /** How often what is shown was given up. */
  #beginnings = 0;
  #scheduled = false;
  #changes = noChanges();

  /** @param {Video} video */
  constructor(video) {
    super();
    this.#video = video;
    video.on("comment", (comment) => this.#add(itemOf(comment)));
    video.on("removed", (entry) => this.remove(entry.targets, entry));
    video.on("restored", ({ comment }) => this.restore(comment));
    video.on("gap", ({ filled }) => filled || this.#again());
    video.on("reset", () => this.#again());
  }

  /** The newest page of the log, which the stream goes on from. @param {EntryPage} page */
  begin(page) {
    this.#before = page.first;
    this.#take(page.entries);
  }

  /** @param {number} seq */
  find(seq) {
    return this.#bySeq.get(seq);
  }

  /** What is here of one author. @param {string} authorId */
  by(authorId) {
    return [...this.#bySeq.values()].filter(({ comment }) => comment.author_id === authorId);
  }

  /** Whether something comes after the last row. */
  get hasMore() {
    return this.behind || this.#waiting.length > 0;
  }

  pause() {
    this.paused = true;
  }

  resume() {
    this.paused = false;
    this.admit();
  }

  /** Show those that wait; where they do not follow on what is shown, in its place. */
  admit() {
    if (this.behind) this.#cut(0, this.items.length);
    for (const item of this.#waiting.splice(0)) this.#place(item);
    if (this.behind) this.#before = this.#idOf(this.items[0].comment.seq);
    this.behind = false;
    this.unseen = 0;
    this.#changed();
  }

  /** What is before the first row. @returns {Promise<{added: number, more: boolean}>} */
  async older() {
    const room = this.paused ? PAGE : LIMIT - this.items.length;
    const before = this.#before;
    const page = room > 0 && (await this.#read({ before: before || undefined, limit: Math.min(PAGE, room) }));
    if (!page || before !== this.#before) return { added: 0, more: true };
    this.#before = page.first;
    return { added: this.#take(page.entries, true), more: page.more };
  }

  /** What is after the last row: those that wait, or the next ones of those that were not kept. */
  async further() {
    for (let added = 0; this.behind && !added; ) {
      const after = this.#after;
      const page = await this.#read({ after, limit: PAGE });
      if (!page || !this.behind || after !== this.#after) return;
      added = this.#goOn(page);
    }
    if (!this.behind) this.admit();
  }

  /** @param {number[]} targets @param {Gone} gone */
  remove(targets, { by, reason }) {
    for (const seq of targets) {
      this.#removals.tell(seq, { by, reason });
      const item = this.find(seq);
      if (item) this.#mark(item, { by, reason });
      else if (this.#isHere(seq)) this.#add(blank(seq, "", { by, reason })); // it came and went while we were away
    }
  }

  /** @param {Comment} comment */
  restore(comment) {
    this.#removals.takeBack(comment.seq);
    const item = this.find(comment.seq);
    if (item) {
      item.comment = comment;
      item.blank = false;
      this.#mark(item, null);
    } else if (this.#isHere(comment.seq)) this.#add(itemOf(comment));
  }

  /** Something about these rows looks another way now. @param {Iterable<LogItem>} items */
  touch(items) {
    for (const item of items) if (!this.#changes.added.has(item)) this.#changes.updated.add(item);
    this.#changed();
  }

  /** Whether an entry of this number would be shown, or wait. @param {number} seq */
  #isHere(seq) {
    const [first, last] = [this.items[0], this.items.at(-1)].map((item) => item?.comment.seq ?? Infinity);
    const isInHole = this.behind && seq > last && seq < (this.#waiting[0]?.comment.seq ?? Infinity);
    return seq > first && !isInHole;
  }

  /** @param {LogItem} item @param {Gone | null} gone */
  #mark(item, gone) {
    item.gone = gone;
    this.touch([item]);
  }

  /** A page; undefined if another one is under way. @param {PageQuery} query */
  async #read(query) {
    if (this.#isReading) return undefined;
    this.#isReading = true;
    try {
      return await this.#video.entries(query);
    } finally {
      this.#isReading = false;
    }
  }

  /** A page of the hole: how many rows came of it. @param {EntryPage} page */
  #goOn(page) {
    const seen = this.#seen;
    this.#after = page.last;
    const added = this.#take(page.entries);
    const fresh = this.items.filter(({ comment: { seq } }) => seq > seen).length;
    this.unseen = Math.max(0, this.unseen - fresh);
    const next = this.#waiting[0]?.comment.seq ?? Infinity;
    this.behind = page.more && seqOf(page.last) < next - 1;
    return added;
  }

  /** Entries of a page; how many rows came of them. @param {Entry[]} entries @param {boolean} [areOlder] than all rows */
  #take(entries, areOlder = false) {
    const before = this.#bySeq.size;
    this.#removals.read(entries);
    for (const entry of entries) {
      const gone = this.#removals.ever(entry.seq);
      if (!entry.type) this.#admitted(itemOf(entry));
      else if (entry.type === "tombstone" && gone) this.#admitted(blank(entry.seq, entry.created_at, gone));
    }
    const added = this.#bySeq.size - before;
    if (areOlder) this.#trimEnd();
    this.#changed();
    return added;
  }

  /** @param {LogItem} item @returns {boolean} whether it is new here */
  #know(item) {
    const { seq } = item.comment;
    if (this.#bySeq.has(seq)) return false;
    this.#bySeq.set(seq, item);
    item.gone = this.#removals.now(seq) ?? item.gone;
    return true;
  }

  /** @param {LogItem} item of a page */
  #admitted(item) {
    if (this.#know(item)) this.#place(item);
  }

  /** @param {LogItem} item of the stream */
  #add(item) {
    if (!this.#know(item)) return;
    if (this.paused && item.comment.seq > (this.items.at(-1)?.comment.seq ?? 0)) this.#wait(item);
    else this.#place(item);
    this.#changed();
  }

  /** @param {LogItem} item */
  #wait(item) {
    this.unseen++;
    insert(this.#waiting, item);
    this.#trimWaiting();
  }

  /** Only the newest are kept; the others are read again when somebody comes to them. */
  #trimWaiting() {
    const excess = this.#waiting.splice(0, Math.max(0, this.#waiting.length - LIMIT));
    for (const { comment } of excess) this.#bySeq.delete(comment.seq);
    if (excess.length && !this.behind) this.#parted(excess[0]);
  }

  /** The rows end before this one, and those that wait begin later. @param {LogItem} item */
  #parted({ comment: { seq } }) {
    this.behind = true;
    this.#after = this.#idOf(seq - 1);
  }

  /** @param {LogItem} item */
  #place(item) {
    insert(this.items, item);
    this.#seen = Math.max(this.#seen, item.comment.seq);
    this.#changes.added.add(item);
  }

  /** What is shown is void, or may be: the newest page takes its place. */
  async #again() {
    const beginning = ++this.#beginnings;
    this.items = [];
    this.#waiting = [];
    this.#bySeq.clear();
    this.#removals.clear();
    this.#before = "";
    this.#seen = this.unseen = 0;
    this.behind = false;
    this.#changes = { ...noChanges(), reset: true };
    this.#changed();
    // If nobody answers the stream goes on all the same, and `older` reads what was before.
    const page = await this.#video.entries({ limit: PAGE }).catch(() => null);
    if (page && beginning === this.#beginnings) this.begin(page);
  }

  get #limit() {
    return LIMIT * (this.paused ? OLDER : 1);
  }

  /** Who goes up has no room for what is below: it waits, as if it had just come. */
  #trimEnd() {
    const cut = this.#cut(this.#limit, Math.max(0, this.items.length - this.#limit));
    if (!cut.length) return;
    if (this.behind) return this.#parted(cut[0]);
    for (const item of cut) this.#bySeq.set(item.comment.seq, item);
    this.#waiting.unshift(...cut);
    this.#trimWaiting();
  }

  #trimStart() {
    for (const { comment } of this.#cut(0, Math.max(0, this.items.length - this.#limit))) {
      this.#before = this.#idOf(comment.seq + 1);
    }
  }

  /** Rows are shown no longer. @param {number} at @param {number} count */
  #cut(at, count) {
    const { added, removed, updated } = this.#changes;
    const cut = this.items.splice(at, count);
    for (const item of cut) {
      this.#bySeq.delete(item.comment.seq);
      updated.delete(item);
      if (!added.delete(item)) removed.add(item);
    }
    return cut;
  }

  /** @param {number} seq */
  #idOf(seq) {
    return (this.#video.cursor ?? "").replace(/[0-9]+$/, String(seq));
  }

  #changed() {
    this.#trimStart();
    if (this.#scheduled) return;
    this.#scheduled = true;
    calmly(() => {
      this.#scheduled = false;
      const { added, removed, updated, reset } = this.#changes;
      this.#changes = noChanges();
      const shown = [...updated].filter((item) => this.items.includes(item));
      this.emit("change", { added: [...added], removed: [...removed], updated: shown, reset, items: this.items });
    });
  }
}
