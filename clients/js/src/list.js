/**
 * What a page shows of a video: at most `limit` comments in order, told in batches. See index.d.ts.
 *
 * Nothing is shown twice, and nothing after its removal: also not if a page of older comments, or the
 * reply to a post, was under way while its comment was removed.
 */
import { Emitter } from "./emitter.js";
import { place } from "./log.js";
import { Renewal } from "./renewal.js";
import { Rows } from "./rows.js";
/** @import {Comment, Gap, Item, ListEvents, ListOptions, NewComment, PageQuery, Removed, Restored, State, Video} from "./types.d.ts" */

const LIMIT = 200;
const OLDER = 3; // times the limit, while somebody reads back
const PAGE = 50;

/** @extends {Emitter<ListEvents>} */
export class CommentList extends Emitter {
  paused = false;
  #video;
  #limit;
  #echoes;
  #schedule;
  #isScheduled = false;
  #rows = new Rows();
  /** New ones while paused, the newest `limit`, and how many in all. @type {Map<number, Comment>} */
  #waiting = new Map();
  #unseen = 0;
  /** Posts under way: what is shown for each. @type {Set<{item: Item}>} */
  #posts = new Set();
  /** For each page under way: what was removed meanwhile. @type {Set<Set<number>>} */
  #pages = new Set();
  #beginnings = 0;
  #echoed = 0;
  #unlisten;
  #renewal = new Renewal(
    (through, signal) => this.#newest(through, signal),
    (through) => this.#replace(through, []),
  );

  /** @param {Video} video @param {ListOptions} [options] */
  constructor(video, { limit = LIMIT, echo = true, schedule = nextFrame } = {}) {
    super();
    this.#video = video;
    this.#limit = limit;
    this.#echoes = echo;
    this.#schedule = schedule;
    const comment = (/** @type {Comment} */ comment) => this.#comment(comment);
    const removed = (/** @type {Removed} */ { targets }) => this.#remove(targets);
    const restored = (/** @type {Restored} */ { comment }) => this.#restore(comment);
    const gap = (/** @type {Gap} */ { filled, to }) => filled || this.#doubt(to);
    const reset = () => this.#begin();
    const state = (/** @type {{state: State}} */ { state }) => this.#follow(state);
    video.on("comment", comment).on("removed", removed).on("restored", restored);
    video.on("gap", gap).on("reset", reset).on("state", state);
    this.#unlisten = () => {
      video.off("comment", comment).off("removed", removed).off("restored", restored);
      video.off("gap", gap).off("reset", reset).off("state", state);
    };
  }

  get items() {
    return this.#rows.items;
  }

  get unseen() {
    return this.#unseen;
  }

  close() {
    this.#unlisten();
    this.#renewal.end();
  }

  pause() {
    this.paused = true;
  }

  resume() {
    this.paused = false;
    this.#unseen = 0;
    for (const comment of this.#waiting.values()) this.#rows.add(comment);
    this.#waiting.clear();
    this.#changed();
  }

  /** @param {NewComment} comment @param {{signal?: AbortSignal}} [options] */
  async post(comment, options) {
    if (!this.#echoes) return this.#video.post(comment, options);
    const post = { item: this.#rows.echo(`echo-${++this.#echoed}`, echoOf(this.#video.id, comment)) };
    this.#posts.add(post);
    this.#changed();
    try {
      const posted = await this.#video.post(comment, options);
      if (posted.comment) this.#confirm(post, posted.comment);
      return posted;
    } finally {
      this.#posts.delete(post);
      if (post.item.pending) this.#rows.drop(post.item); // refused or held: the caller says why
      this.#changed();
    }
  }

  /** @param {number} [count] */
  async older(count = PAGE) {
    const room = this.#limit * (this.paused ? OLDER : 1) - this.items.length;
    const { first } = this.#rows;
    const { epoch } = place(this.#video.cursor) ?? {};
    if (room <= 0) return { added: 0, more: true };
    const before = first && epoch ? `${epoch}-${first}` : undefined;
    const beginning = this.#beginnings;
    return this.#read({ before, limit: Math.min(count, room, 200) }, (comments, more) => {
      if (beginning !== this.#beginnings) return { added: 0, more: true }; // of what is void now
      const added = comments.filter((comment) => this.#rows.add(comment));
      this.#changed();
      return { added: added.length, more };
    });
  }

  /** @param {Comment} comment */
  #comment(comment) {
    const { seq, text, author } = comment;
    if (this.#rows.has(seq)) return;
    // The stream may be faster than the reply: is it what was posted here?
    const post = [...this.#posts].find(({ item: { pending, comment } }) => {
      return pending && comment.text === text && [author, ""].includes(comment.author);
    });
    if (post) post.item = this.#rows.confirm(post.item, comment);
    else if (this.paused) this.#wait(comment);
    else this.#rows.add(comment);
    this.#changed();
  }

  /** @param {Comment} comment */
  #wait(comment) {
    this.#unseen++;
    this.#waiting.set(comment.seq, comment);
    if (this.#waiting.size > this.#limit) this.#waiting.delete(Math.min(...this.#waiting.keys()));
  }

  /** @param {{item: Item}} post @param {Comment} comment as the reply has it */
  #confirm(post, comment) {
    const at = place(this.#video.cursor);
    // What the stream has passed is here, or waits, or was removed, or is too old or of another epoch.
    const isPassed = at && (place(comment.id)?.epoch !== at.epoch || comment.seq <= at.seq);
    if (isPassed || this.#rows.has(comment.seq)) return;
    if (post.item.pending) post.item = this.#rows.confirm(post.item, comment);
    else this.#rows.add(comment); // the echo has become somebody else's comment of the same words
  }

  /** @param {number[]} targets */
  #remove(targets) {
    for (const seq of targets) {
      this.#rows.remove(seq);
      if (this.#waiting.delete(seq)) this.#unseen--;
      for (const removed of this.#pages) removed.add(seq);
    }
    this.#changed();
  }

  /** @param {Comment} comment */
  #restore(comment) {
    for (const removed of this.#pages) removed.delete(comment.seq);
    if (comment.seq >= (this.#rows.first ?? Infinity)) this.#rows.add(comment);
    this.#changed();
  }

  /** What is shown is void. */
  #begin() {
    this.#renewal.end();
    this.#unsettle();
    this.#rows.clear();
    this.#changed();
  }

  /** Up to this number what is shown may have been removed. @param {number} through */
  #doubt(through) {
    this.#unsettle();
    this.#renewal.begin(through);
  }

  /** Pages under way do not fit any more, and what waits is not to be shown. */
  #unsettle() {
    this.#beginnings++;
    this.#waiting.clear();
    this.#unseen = 0;
  }

  /** @param {State} state */
  #follow(state) {
    if (state === "closed") this.#renewal.rest();
    else if (state === "live") this.#renewal.go();
  }

  /** @param {number} through @param {AbortSignal} signal */
  #newest(through, signal) {
    const query = { limit: Math.min(this.#limit, PAGE), signal };
    return this.#read(query, (comments) => void (signal.aborted || this.#replace(through, comments)));
  }

  /** What is in doubt by these. @param {number} through @param {Comment[]} comments */
  #replace(through, comments) {
    this.#beginnings++;
    this.#rows.clear(through);
    for (const comment of comments) if (!this.#waiting.has(comment.seq)) this.#rows.add(comment);
    this.#changed();
  }

  /**
   * A page without what is removed while it is under way; `take` is called as soon as it is here.
   *
   * @template Taken @param {PageQuery} query @param {(comments: Comment[], more: boolean) => Taken} take
   */
  async #read(query, take) {
    /** @type {Set<number>} */
    const removed = new Set();
    this.#pages.add(removed);
    try {
      const { comments, more } = await this.#video.history(query);
      return take(comments.filter(({ seq }) => !removed.has(seq)), more);
    } finally {
      this.#pages.delete(removed);
    }
  }

  #changed() {
    this.#rows.trim(this.#limit * (this.paused ? OLDER : 1));
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#schedule(() => this.#tell());
  }

  #tell() {
    this.#isScheduled = false;
    const change = this.#rows.changes();
    if (change) this.emit("change", change);
  }
}

/** @param {string} videoId @param {NewComment} comment @returns {Comment} */
function echoOf(videoId, { text, author = "" }) {
  const created_at = new Date().toISOString();
  return { id: "", video_id: videoId, seq: 0, author: author.trim(), text: text.trim(), created_at };
}

/** @param {() => void} tell */
function nextFrame(tell) {
  if (typeof requestAnimationFrame === "function") requestAnimationFrame(tell);
  else setTimeout(tell);
}
