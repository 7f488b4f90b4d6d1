/**
 * Comments in order, each number once, with echoes at the end: what a list shows, and what has
 * changed of it since it was last told. Pure.
 *
 * An item keeps its key as long as it is shown, also when an echo becomes a comment.
 */

/** @typedef {import("../index.d.ts").Comment} Comment */
/** @typedef {import("../index.d.ts").Item} Item */

export class Rows {
  /** @type {Item[]} */
  items = [];
  /** @type {Map<number, Item>} */
  #bySeq = new Map();
  /** @type {Set<Item>} */
  #added = new Set();
  /** @type {Set<Item>} */
  #removed = new Set();
  /** @type {Set<Item>} */
  #updated = new Set();
  #reset = false;

  /** @param {number} seq */
  has(seq) {
    return this.#bySeq.has(seq);
  }

  /** Number of the oldest comment, undefined if there is none. */
  get first() {
    return this.items[0]?.comment.seq || undefined;
  }

  /** Whether it was new. @param {Comment} comment */
  add(comment) {
    if (this.has(comment.seq)) return false;
    this.#place({ key: comment.id, comment, pending: false });
    return true;
  }

  /** @param {string} key @param {Comment} comment @returns {Item} */
  echo(key, comment) {
    const item = { key, comment, pending: true };
    this.items.push(item);
    this.#added.add(item);
    return item;
  }

  /** An echo is this comment: it takes its place under the same key. @param {Item} echo @param {Comment} comment */
  confirm(echo, comment) {
    this.items.splice(this.items.indexOf(echo), 1);
    const item = { ...echo, comment, pending: false };
    const isNew = this.#added.delete(echo);
    this.#updated.delete(echo);
    this.#place(item);
    if (!isNew) {
      this.#added.delete(item);
      this.#updated.add(item);
    }
    return item;
  }

  /** @param {Item} item */
  drop(item) {
    const at = this.items.indexOf(item);
    if (at < 0) return;
    this.items.splice(at, 1);
    this.#forget(item);
  }

  /** Whether it was there. @param {number} seq */
  remove(seq) {
    const item = this.#bySeq.get(seq);
    if (item) this.drop(item);
    return item !== undefined;
  }

  /** Keep so many, the newest. @param {number} limit */
  trim(limit) {
    const many = this.items.length - limit;
    if (many > 0) this.items.splice(0, many).forEach((item) => this.#forget(item));
  }

  /** Nothing but echoes is left. */
  clear() {
    this.items = this.items.filter(({ pending }) => pending);
    this.#bySeq.clear();
    this.#added = new Set(this.items);
    this.#removed.clear();
    this.#updated.clear();
    this.#reset = true;
  }

  /** What has changed since the last call. @returns {import("../index.d.ts").ListChange | undefined} */
  changes() {
    const [added, removed, updated] = [[...this.#added], [...this.#removed], [...this.#updated]];
    const reset = this.#reset;
    if (!(reset || added.length || removed.length || updated.length)) return undefined;
    [this.#added, this.#removed, this.#updated, this.#reset] = [new Set(), new Set(), new Set(), false];
    return { added, removed, updated, reset, items: this.items };
  }

  /** Almost always at the end. @param {Item} item */
  #place(item) {
    let at = this.items.length;
    while (at > 0 && (this.items[at - 1].pending || this.items[at - 1].comment.seq > item.comment.seq)) at--;
    this.items.splice(at, 0, item);
    this.#bySeq.set(item.comment.seq, item);
    this.#added.add(item);
  }

  /** @param {Item} item */
  #forget(item) {
    this.#bySeq.delete(item.comment.seq);
    this.#updated.delete(item);
    if (!this.#added.delete(item)) this.#removed.add(item); // else nobody has heard of it
  }
}
