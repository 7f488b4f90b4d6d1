/**
 * The log as moderators see it: comments in order, with those that were removed among them. It looks
 * to a feed like the client's `CommentList`, which forgets what was removed.
 *
 * It holds at most LIMIT rows, OLDER times as many while it is paused, and LIMIT more that wait. What
 * it knows of removals is kept apart (the newest GONE), because a page of the log that was under way
 * meanwhile may be older.
 *
 * A tombstone does not say what it stands for. It is a comment's if a notice names its number, and else
 * that of a `restored` or `pinned` entry, which is no row. The notice comes after the comment and pages
 * are read backwards from the newest, so it is known by then. NOTICED numbers are kept, those named last.
 */

import { Emitter } from "./client/emitter.js";
import { calmly, LIMIT } from "./feed.js";

/** @typedef {import("./index.d.ts").Comment} Comment */
/** @typedef {import("./index.d.ts").Entry} Entry */
/** @typedef {import("./index.d.ts").EntryPage} EntryPage */
/** @typedef {import("./index.d.ts").Video} Video */
/** @typedef {{by: string, reason?: string}} Gone */
/** @typedef {{key: string, comment: Comment, pending: boolean, gone: Gone | null, blank: boolean}} LogItem */
/** @typedef {{added: LogItem[], removed: LogItem[], updated: LogItem[], reset: boolean, items: LogItem[]}} Change */

const OLDER = 3;
const GONE = 2000;
const NOTICED = 20_000;
const PAGE = 100;

/** @extends {Emitter<{change: [Change]}>} */
export class LogList extends Emitter {
  paused = false;
  unseen = 0;
  /** @type {LogItem[]} */
  items = [];
  #video;
  /** All that is shown or waits. @type {Map<number, LogItem>} */
  #bySeq = new Map();
  /** @type {LogItem[]} */
  #waiting = [];
  /** @type {Map<number, Gone>} */
  #gone = new Map();
  /** By the number of a comment: the newest notice that has removed it. @type {Map<number, Gone>} */
  #noticed = new Map();
  /** Where the page before the first row ends. */
  #before = "";
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

  pause() {
    this.paused = true;
  }

  resume() {
    this.paused = false;
    this.admit();
  }

  /** Show those that wait. */
  admit() {
    this.unseen = 0;
    for (const item of this.#waiting.splice(0)) this.#place(item);
    this.#changed();
  }

  /** What is before the first row. @returns {Promise<{added: number, more: boolean}>} */
  async older() {
    const room = LIMIT * (this.paused ? OLDER : 1) - this.items.length;
    if (room <= 0 || !this.#before) return { added: 0, more: true };
    const page = await this.#video.entries({ before: this.#before, limit: Math.min(PAGE, room) });
    this.#before = page.first;
    return { added: this.#take(page.entries), more: page.more };
  }

  /** @param {number[]} targets @param {Gone} gone */
  remove(targets, { by, reason }) {
    const first = this.items[0]?.comment.seq ?? Infinity;
    for (const seq of targets) {
      this.#gone.delete(seq);
      this.#gone.set(seq, { by, reason });
      this.#notice(seq, { by, reason });
      const item = this.find(seq);
      // It came and went while we were away.
      if (!item && seq > first) this.#add(blank(seq, "", { by, reason }));
      else if (item) this.#mark(item, { by, reason });
    }
    for (const seq of this.#gone.keys()) if (this.#gone.size > GONE) this.#gone.delete(seq);
  }

  /** @param {Comment} comment */
  restore(comment) {
    this.#gone.delete(comment.seq);
    const item = this.find(comment.seq);
    if (item) {
      item.comment = comment;
      item.blank = false;
      this.#mark(item, null);
    } else if (comment.seq > (this.items[0]?.comment.seq ?? Infinity)) this.#add(itemOf(comment));
  }

  /** Something about these rows looks another way now. @param {Iterable<LogItem>} items */
  touch(items) {
    for (const item of items) if (!this.#changes.added.has(item)) this.#changes.updated.add(item);
    this.#changed();
  }

  /** @param {LogItem} item @param {Gone | null} gone */
  #mark(item, gone) {
    item.gone = gone;
    this.touch([item]);
  }

  /** Entries of a page; how many rows came of them. @param {Entry[]} entries */
  #take(entries) {
    const before = this.#bySeq.size;
    // Backwards, for a notice that is known is newer than what an older page says.
    for (const entry of [...entries].reverse()) {
      if (entry.type !== "removed") continue;
      for (const seq of entry.targets) if (!this.#noticed.has(seq)) this.#notice(seq, entry);
    }
    for (const entry of entries) {
      const gone = this.#noticed.get(entry.seq);
      if (!entry.type) this.#add(itemOf(entry), false);
      else if (entry.type === "tombstone" && gone) this.#add(blank(entry.seq, entry.created_at, gone), false);
    }
    return this.#bySeq.size - before;
  }

  /** @param {number} seq @param {Gone} gone */
  #notice(seq, { by, reason }) {
    this.#noticed.delete(seq);
    this.#noticed.set(seq, { by, reason });
    for (const oldest of this.#noticed.keys()) {
      if (this.#noticed.size <= NOTICED) return;
      this.#noticed.delete(oldest);
    }
  }

  /** @param {LogItem} item */
  #add(item, waits = this.paused) {
    const { seq } = item.comment;
    if (this.#bySeq.has(seq)) return;
    this.#bySeq.set(seq, item);
    item.gone = this.#gone.get(seq) ?? item.gone;
    if (waits && seq > (this.items.at(-1)?.comment.seq ?? 0)) this.#wait(item);
    else this.#place(item);
    this.#changed();
  }

  /** @param {LogItem} item */
  #wait(item) {
    this.unseen++;
    this.#waiting.push(item);
    const dropped = this.#waiting.length > LIMIT && this.#waiting.shift();
    if (dropped) this.#bySeq.delete(dropped.comment.seq);
  }

  /** Almost always at the end. @param {LogItem} item */
  #place(item) {
    let at = this.items.length;
    while (at > 0 && this.items[at - 1].comment.seq > item.comment.seq) at--;
    this.items.splice(at, 0, item);
    this.#changes.added.add(item);
  }

  /** What is shown is void, or may be: the newest page takes its place. */
  async #again() {
    this.items = [];
    this.#waiting = [];
    this.#bySeq.clear();
    this.#gone.clear();
    this.#noticed.clear();
    this.unseen = 0;
    this.#changes = { ...noChanges(), reset: true };
    this.#changed();
    // If nobody answers the stream goes on all the same.
    const page = await this.#video.entries({ limit: PAGE }).catch(() => null);
    if (page) this.begin(page);
  }

  #trim() {
    const limit = LIMIT * (this.paused ? OLDER : 1);
    const { added, removed, updated } = this.#changes;
    for (const item of this.items.splice(0, Math.max(0, this.items.length - limit))) {
      this.#bySeq.delete(item.comment.seq);
      updated.delete(item);
      if (!added.delete(item)) removed.add(item);
      this.#before = this.#before.replace(/[0-9]+$/, String(item.comment.seq + 1));
    }
  }

  #changed() {
    this.#trim();
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

function noChanges() {
  /** @returns {Set<LogItem>} */
  const none = () => new Set();
  return { added: none(), removed: none(), updated: none(), reset: false };
}

/** @param {Comment} comment @returns {LogItem} */
function itemOf(comment) {
  return { key: comment.id, comment, pending: false, gone: null, blank: false };
}

/** What was removed before we came. @param {number} seq @param {string} at @param {Gone} gone @returns {LogItem} */
function blank(seq, at, gone) {
  const comment = { id: "", video_id: "", seq, author: "", text: "", created_at: at };
  return { key: `gone-${seq}`, comment, pending: false, gone, blank: true };
}
