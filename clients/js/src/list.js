/**
 * What a page shows of a video: at most `limit` comments in order, told in batches.
 *
 * Nothing is shown twice, and nothing after its removal: also not when a page of older comments, or
 * the reply to a post, was under way while its comment was removed.
 */
import { Emitter } from "./emitter.js";
import { place } from "./log.js";
import { Rows } from "./rows.js";

const LIMIT = 200;
const OLDER = 3; // times the limit, while somebody reads back

/** @typedef {import("../index.d.ts").Comment} Comment */
/** @typedef {import("../index.d.ts").Item} Item */
/** @typedef {import("../index.d.ts").Video} Video */

/** @extends {Emitter<import("../index.d.ts").ListEvents>} */
export class CommentList extends Emitter {
  unseen = 0;
  paused = false;
  #video;
  #limit;
  #echoes;
  #schedule;
  #scheduled = false;
  #rows = new Rows();
  /** New ones while paused, by number: the newest `limit`. @type {Map<number, Comment>} */
  #held = new Map();
  /** Echoes under way: what was posted, and the item that is shown for it. @type {Set<{item: Item}>} */
  #posts = new Set();
  /** For each reading of a page: what was removed meanwhile. @type {Set<Set<number>>} */
  #readings = new Set();
  #count = 0;
  #listeners;

  /** @param {Video} video @param {import("../index.d.ts").ListOptions} [options] */
  constructor(video, { limit = LIMIT, echo = true, schedule = nextFrame } = {}) {
    super();
    this.#video = video;
    this.#limit = limit;
    this.#echoes = echo;
    this.#schedule = schedule;
    this.#listeners = /** @type {const} */ ({
      comment: (/** @type {Comment} */ comment) => this.#comment(comment),
      removed: (/** @type {{targets: number[]}} */ { targets }) => this.#remove(targets),
      restored: (/** @type {{comment: Comment}} */ { comment }) => this.#restore(comment),
      gap: (/** @type {import("../index.d.ts").Gap} */ gap) => gap.filled || this.#begin(true),
      reset: () => this.#begin(false),
    });
    for (const [name, listener] of this.#entries()) video.on(name, listener);
  }

  get items() {
    return this.#rows.items;
  }

  close() {
    for (const [name, listener] of this.#entries()) this.#video.off(name, listener);
  }

  pause() {
    this.paused = true;
  }

  resume() {
    this.paused = false;
    this.unseen = 0;
    for (const comment of this.#held.values()) this.#rows.add(comment);
    this.#held.clear();
    this.#changed();
  }

  /** @param {import("../index.d.ts").NewComment} comment @param {{signal?: AbortSignal}} [options] */
  async post(comment, options) {
    if (!this.#echoes) return this.#video.post(comment, options);
    const key = `echo-${++this.#count}`;
    const post = { item: this.#rows.echo(key, echoOf(this.#video.id, comment)) };
    this.#posts.add(post);
    this.#changed();
    try {
      const posted = await this.#video.post(comment, options);
      if (posted.comment) this.#confirm(post, posted.comment);
      return posted;
    } finally {
      this.#posts.delete(post);
      if (post.item.pending) this.#rows.drop(post.item); // refused or held: the caller shows why
      this.#changed();
    }
  }

  /** @param {number} [count] */
  async older(count = 50) {
    const room = this.#limit * (this.paused ? OLDER : 1) - this.items.length;
    const { first } = this.#rows;
    const epoch = place(this.#video.cursor)?.epoch;
    if (room <= 0 || first === undefined || !epoch) return { added: 0, more: true };
    const query = { before: `${epoch}-${first}`, limit: Math.min(count, room, 200) };
    const { comments, more } = await this.#page(query);
    const added = comments.filter((comment) => this.#rows.add(comment)).length;
    this.#changed();
    return { added, more };
  }

  /** @param {Comment} comment */
  #comment(comment) {
    const post = this.#echoed(comment);
    if (post) post.item = this.#rows.confirm(post.item, comment);
    else if (!this.paused) this.#rows.add(comment);
    else if (!this.#rows.has(comment.seq)) this.#hold(comment);
    this.#changed();
  }

  /** The stream may be faster than the reply: the post that this comment looks like. @param {Comment} comment */
  #echoed({ seq, text, author }) {
    if (this.#rows.has(seq)) return undefined;
    return [...this.#posts].find(({ item: { pending, comment } }) => {
      return pending && comment.text === text && [author, ""].includes(comment.author);
    });
  }

  /** @param {Comment} comment */
  #hold(comment) {
    this.unseen++;
    this.#held.set(comment.seq, comment);
    if (this.#held.size > this.#limit) this.#held.delete(this.#held.keys().next().value ?? 0);
  }

  /** @param {{item: Item}} post @param {Comment} comment  as the reply has it */
  #confirm(post, comment) {
    const { item } = post;
    if (item.comment.seq === comment.seq) return; // the stream was first
    const at = place(this.#video.cursor);
    // What the stream has passed, and is not here, was removed or is too old.
    const passed = at !== undefined && place(comment.id)?.epoch === at.epoch && comment.seq <= at.seq;
    if (this.#rows.has(comment.seq) || this.#held.has(comment.seq) || passed) return;
    if (item.pending) post.item = this.#rows.confirm(item, comment);
    else this.#rows.add(comment); // the echo became somebody else's comment of the same words
  }

  /** @param {number[]} targets */
  #remove(targets) {
    for (const seq of targets) {
      this.#rows.remove(seq);
      if (this.#held.delete(seq)) this.unseen--;
      this.#readings.forEach((removed) => removed.add(seq));
    }
    this.#changed();
  }

  /** @param {Comment} comment */
  #restore(comment) {
    this.#readings.forEach((removed) => removed.delete(comment.seq));
    if (comment.seq >= (this.#rows.first ?? Infinity)) this.#rows.add(comment);
    this.#changed();
  }

  /** What is shown is void, or may be. @param {boolean} again  the newest are read instead */
  #begin(again) {
    this.#rows.clear();
    this.#held.clear();
    this.unseen = 0;
    this.#changed();
    if (again) void this.#reload();
  }

  async #reload() {
    try {
      const { comments } = await this.#page({ limit: Math.min(this.#limit, 50) });
      for (const comment of comments) this.#rows.add(comment);
      this.#changed();
    } catch {
      // The stream goes on; what was before can be asked for with `older`.
    }
  }

  /** @param {import("../index.d.ts").PageQuery} query */
  async #page(query) {
    /** @type {Set<number>} */
    const removed = new Set();
    this.#readings.add(removed);
    try {
      const page = await this.#video.history(query);
      return { ...page, comments: page.comments.filter(({ seq }) => !removed.has(seq)) };
    } finally {
      this.#readings.delete(removed);
    }
  }

  #changed() {
    this.#rows.trim(this.#limit * (this.paused ? OLDER : 1));
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => this.#tell());
  }

  #tell() {
    this.#scheduled = false;
    const change = this.#rows.changes();
    if (change) this.emit("change", change);
  }

  #entries() {
    return /** @type {[any, any][]} */ (Object.entries(this.#listeners));
  }
}

/** @param {string} videoId @param {import("../index.d.ts").NewComment} comment @returns {Comment} */
function echoOf(videoId, { text, author = "" }) {
  const created_at = new Date().toISOString();
  return { id: "", video_id: videoId, seq: 0, author: author.trim(), text: text.trim(), created_at };
}

/** @param {() => void} tell */
function nextFrame(tell) {
  if (typeof requestAnimationFrame === "function") requestAnimationFrame(tell);
  else setTimeout(tell, 0);
}
