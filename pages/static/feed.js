/**
 * The comments on the screen. It follows the newest one until somebody scrolls up; then nothing
 * moves, and a button says how many have come.
 */

import { get, icon, make } from "./dom.js";
import { say } from "./messages.js";
import { makeRow } from "./row.js";

/** @typedef {import("./index.d.ts").Item} Item */
/** @typedef {import("./index.d.ts").CommentList} CommentList */
/** @typedef {import("./index.d.ts").Video} Video */

export const LIMIT = 200;
const BATCH_MS = 100; // nobody reads faster; a calm screen and one layout for what came meanwhile
const NEAR_PX = 40;
const MARKS = 20;

let lastBatch = -BATCH_MS;

/** When a batch of changes is shown. @param {() => void} tell */
export function calmly(tell) {
  const wait = lastBatch + BATCH_MS - performance.now();
  const draw = () => requestAnimationFrame(() => {
    lastBatch = performance.now();
    tell();
  });
  if (wait <= 0) draw();
  else setTimeout(draw, wait);
}

export class Feed {
  #log = get("log");
  #fresh = get("fresh", HTMLButtonElement);
  #empty = get("empty");
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();
  /** Where comments are missing, by their numbers. @type {{from: number, to: number, row: HTMLElement}[]} */
  #marks = [];
  #follows = true;
  #top = 0;
  #reading = false;
  /** The row before which there is nothing, by its key. */
  #oldest = "";
  #counting = false;
  #resized;
  #own;
  #video;
  #list;

  /** @param {Video} video @param {CommentList} list @param {(item: Item) => boolean} own whose it is */
  constructor(video, list, own) {
    this.#video = video;
    this.#list = list;
    this.#own = own;
    this.#log.replaceChildren();
    this.#listen();
    this.#log.onscroll = () => this.#scrolled();
    this.#fresh.onclick = () => this.follow();
    this.#resized = new ResizeObserver(() => this.#follows && this.#toEnd());
    this.#resized.observe(this.#log);
    this.#count();
  }

  close() {
    this.#resized.disconnect();
  }

  /** In the middle, while there is nothing else. @param {string} text */
  explain(text) {
    this.#empty.textContent = text;
    this.#empty.hidden = !text || this.#rows.size > 0;
  }

  #listen() {
    this.#list.on("change", (/** @type {any} */ change) => this.#show(change));
    this.#video.on("gap", (/** @type {any} */ gap) => gap.filled || this.#mark(gap));
    this.#video.on("reset", () => {
      this.#marks = [];
      this.#oldest = "";
    });
    this.#video.on("comment", () => this.#countSoon());
  }

  /** @param {{items: Item[], added: Item[], updated: Item[], removed: Item[], reset: boolean}} change */
  #show({ items, added, updated, removed, reset }) {
    const anchor = this.#follows ? null : this.#anchor();
    if (reset) this.#rows.clear();
    for (const { key } of removed) this.#rows.delete(key);
    for (const item of [...added, ...updated]) this.#rows.set(item.key, this.rowOf(item, this.#rows.get(item.key)));
    this.#arrange(items);
    if (items.length) this.#empty.hidden = true;
    if (this.#follows) this.#toEnd();
    else if (anchor?.row.isConnected) this.#log.scrollTop += anchor.row.offsetTop - anchor.top;
    this.#count();
  }

  /**
   * What shows an item; one that says the same stays as it is, so that it is not read aloud again.
   * @param {Item} item @param {HTMLElement} [known] what shows it now
   * @returns {HTMLElement}
   */
  rowOf(item, known) {
    const drawn = makeRow(item.comment);
    const row = known?.textContent === drawn.textContent ? known : drawn;
    if (row === known) colourFace(row, drawn);
    row.classList.toggle("pending", item.pending);
    row.classList.toggle("own", this.#own(item));
    return row;
  }

  /** Whether to go on when somebody has scrolled to the end. */
  mayFollow() {
    return true;
  }

  /** Nothing moves until `follow`. */
  stay() {
    if (this.#follows) {
      this.#follows = false;
      this.#list.pause();
    }
    this.#count();
  }

  get atEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.#log;
    return scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }

  /** Rows and marks in their order; what is there already does not move. @param {readonly Item[]} items */
  #arrange(items) {
    const marks = this.#narrowed(items);
    this.#marks = [...marks];
    let next = this.#log.firstElementChild;
    const put = (/** @type {HTMLElement | undefined} */ row) => {
      if (row === next) next = next?.nextElementSibling ?? null;
      else if (row) this.#log.insertBefore(row, next);
    };
    for (const { key, comment, pending } of items) {
      while (marks.length && (pending || comment.seq > marks[0].to)) put(marks.shift()?.row);
      // What is before a row that stays is gone from the list.
      const row = this.#rows.get(key);
      while (next && next !== row && row?.parentNode === this.#log) next = drop(next);
      put(row);
    }
    for (const { row } of marks) put(row);
    while (next) next = drop(next);
  }

  /** Marks of what is still missing: pages of history may have brought some. @param {readonly Item[]} items */
  #narrowed(items) {
    const first = items[0]?.comment.seq ?? 0;
    return this.#marks.slice(-MARKS).filter((mark) => {
      const found = items.find(({ comment: { seq } }) => seq >= mark.from && seq <= mark.to);
      if (found) mark.to = found.comment.seq - 1;
      return mark.from <= mark.to && !(items.length >= LIMIT && mark.to < first - 1);
    });
  }

  /** @param {{from: number, to: number}} gap */
  #mark({ from, to }) {
    this.#marks.push({ from, to, row: make("p", "gap", say("gap")) });
  }

  /** The first row that can be seen, and where it is. */
  #anchor() {
    const top = this.#log.scrollTop;
    const rows = /** @type {HTMLElement[]} */ ([...this.#log.children]);
    const row = rows.find((each) => each.offsetTop + each.offsetHeight > top);
    return row && { row, top: row.offsetTop };
  }

  #scrolled() {
    const { scrollTop } = this.#log;
    const up = scrollTop < this.#top - 2;
    this.#top = scrollTop;
    if (this.atEnd) this.ended();
    else if (up) this.stay();
    if (up && scrollTop < 2 * NEAR_PX) void this.older();
    this.#countSoon();
  }

  /** Scrolled to the end. */
  ended() {
    if (!this.#follows && this.mayFollow()) this.follow();
  }

  /** Whether all that is newer is shown, or waits. */
  get isWhole() {
    return true;
  }

  /** Scrolled to the top: what is older is read, as long as there is some. */
  async older() {
    const first = this.#list.items[0]?.key ?? "";
    if (this.#reading || (first && first === this.#oldest)) return;
    this.#reading = true;
    try {
      const { added, more } = await this.#list.older();
      if (!more && added === 0) this.#oldest = first;
    } catch {
      // Who scrolls up again asks again.
    } finally {
      this.#reading = false;
    }
  }

  /** Show the newest, also those that wait. */
  follow() {
    const hadFocus = document.activeElement === this.#fresh;
    this.#follows = true;
    this.#list.resume();
    this.#toEnd();
    this.#count();
    if (hadFocus) this.#log.focus();
  }

  #toEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#top = this.#log.scrollTop;
  }

  #countSoon() {
    if (this.#follows || this.#counting) return;
    this.#counting = true;
    setTimeout(() => {
      this.#counting = false;
      this.#count();
    }, BATCH_MS);
  }

  #count() {
    const { unseen } = this.#list;
    this.#fresh.hidden = this.#follows || (!unseen && this.atEnd && this.isWhole);
    const text = unseen ? say("fresh", { n: unseen }) : say("fresh.none");
    if (!this.#follows && this.#fresh.textContent !== text) this.#fresh.replaceChildren(icon("down"), text);
  }
}

/** Who wrote an own comment is known when it is posted. @param {Element} row @param {Element} drawn as it is now */
function colourFace(row, drawn) {
  const [old, face] = [row, drawn].map((each) => each.querySelector(".face"));
  if (old && face && old.className !== face.className) old.className = face.className;
}

/** @param {Element} row @returns {Element | null} the one after it */
function drop(row) {
  const next = row.nextElementSibling;
  row.remove();
  return next;
}
