/**
 * Comments in order, each number once, echoes at the end; and what has changed since it was told.
 * Pure. An item keeps its key as long as it is shown, also when an echo becomes a comment.
 */
/** @import {Comment, Item, ListChange} from "./types.d.ts" */

export class Rows {
  /** @type {Item[]} */
  items = [];
  /** @type {Map<number, Item>} */
  #bySeq = new Map();
  #changes = noChanges();

  /** @param {number} seq */
  has(seq) {
    return this.#bySeq.has(seq);
  }

  /** Number of the oldest comment. */
  get first() {
    return this.items[0]?.comment.seq || undefined;
  }

  /** Whether it was new. @param {Comment} comment */
  add(comment) {
    if (this.has(comment.seq)) return false;
    this.#changes.added.add(this.#place({ key: comment.id, comment, pending: false }));
    return true;
  }

  /** @param {string} key @param {Comment} comment @returns {Item} */
  echo(key, comment) {
    const item = { key, comment, pending: true };
    this.items.push(item);
    this.#changes.added.add(item);
    return item;
  }

  /** An echo is this comment: it takes its place under the same key. @param {Item} echo @param {Comment} comment */
  confirm(echo, comment) {
    this.items.splice(this.items.indexOf(echo), 1);
    const item = this.#place({ ...echo, comment, pending: false });
    const { added, updated } = this.#changes;
    (added.delete(echo) ? added : updated).add(item);
    return item;
  }

  /** Whether it was there. @param {number} seq */
  remove(seq) {
    const item = this.#bySeq.get(seq);
    if (item) this.drop(item);
    return item !== undefined;
  }

  /** @param {Item} item */
  drop(item) {
    const at = this.items.indexOf(item);
    if (at >= 0) this.#cut(at, 1);
  }

  /** Keep so many, the newest. @param {number} limit */
  trim(limit) {
    this.#cut(0, Math.max(0, this.items.length - limit));
  }

  /** Only echoes stay, and what has a number behind this one. @param {number} [through] */
  clear(through = Infinity) {
    this.items = this.items.filter(({ pending, comment }) => pending || comment.seq > through);
    this.#bySeq = new Map(this.items.filter(({ pending }) => !pending).map((item) => [item.comment.seq, item]));
    this.#changes = { ...noChanges(), added: new Set(this.items), reset: true };
  }

  /** What has changed since the last call. @returns {ListChange | undefined} */
  changes() {
    const { added, removed, updated, reset } = this.#changes;
    if (!(reset || added.size || removed.size || updated.size)) return undefined;
    this.#changes = noChanges();
    return { added: reset ? [...this.items] : [...added], removed: [...removed], updated: [...updated], reset, items: this.items };
  }

  /** Almost always at the end. @param {Item} item */
  #place(item) {
    const isLater = (/** @type {Item} */ other) => other.pending || other.comment.seq > item.comment.seq;
    let at = this.items.length;
    while (at > 0 && isLater(this.items[at - 1])) at--;
    this.items.splice(at, 0, item);
    this.#bySeq.set(item.comment.seq, item);
    return item;
  }

  /** @param {number} at @param {number} count */
  #cut(at, count) {
    const { added, removed, updated } = this.#changes;
    for (const item of this.items.splice(at, count)) {
      this.#bySeq.delete(item.comment.seq);
      updated.delete(item);
      if (!added.delete(item)) removed.add(item); // else nobody has heard of it
    }
  }
}

function noChanges() {
  /** @returns {Set<Item>} */
  const none = () => new Set();
  return { added: none(), removed: none(), updated: none(), reset: false };
}
