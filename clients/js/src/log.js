/**
 * The place that a reader has come to in a video's log, and what a frame means there. Pure.
 *
 * The entries of one epoch are numbered without holes, so its number alone tells whether an entry is
 * the next one, was seen before, or shows that some are missing.
 */
/** @import {Frame, Place, Step} from "./types.d.ts" */

/** @param {unknown} id @returns {Place | undefined} undefined if it is no event id */
export function place(id) {
  const found = /^([a-z0-9]{12})-(0|[1-9][0-9]{0,14})$/.exec(String(id));
  return found ? { epoch: found[1], seq: Number(found[2]) } : undefined;
}

const NOWHERE = ["state", "viewers", "bye"]; // events without an id have that of the one before

export class Log {
  /** @type {Place | undefined} */
  #at;
  #given;

  /** @param {string} [cursor] one that is no event id is for the server to refuse */
  constructor(cursor) {
    this.#given = cursor;
    this.#at = place(cursor);
  }

  get cursor() {
    return this.#at ? `${this.#at.epoch}-${this.#at.seq}` : this.#given;
  }

  get seq() {
    return this.#at?.seq ?? 0;
  }

  get epoch() {
    return this.#at?.epoch ?? "";
  }

  /** Everything up to this number was told, or will not come. @param {number} seq */
  pass(seq) {
    if (this.#at) this.#at = { ...this.#at, seq: Math.max(seq, this.#at.seq) };
  }

  /** @param {string} id */
  begin(id) {
    this.#at = place(id);
  }

  /** What this frame means; the place moves with an entry and with a reset. @param {Frame} frame @returns {Step} */
  take({ type, id, data }) {
    const there = place(id);
    if (NOWHERE.includes(type) || !there) return { kind: "other" };
    const isEntry = !["hello", "gap", "reset"].includes(type);
    const before = isEntry ? { ...there, seq: there.seq - 1 } : there;
    if (type === "reset" || (this.#at && this.#at.epoch !== there.epoch)) {
      this.#at = before; // another epoch does not come without a reset; what is shown were void too
      return { kind: "reset", reason: type === "reset" ? data.reason : "epoch", again: isEntry };
    }
    this.#at ??= before;
    return this.#next(type, there.seq, data);
  }

  /** @param {string} type @param {number} seq @param {any} data @returns {Step} */
  #next(type, seq, data) {
    const from = this.seq + 1;
    if (type === "gap" && seq >= from) {
      return { kind: "hole", from, to: seq, reason: data.reason, again: false };
    }
    const to = type === "hello" ? seq : seq - 1;
    if (to >= from) return { kind: "hole", from, to, reason: "missing", again: true };
    if (type === "hello") return { kind: "other" };
    if (seq < from) return { kind: "old" };
    this.pass(seq);
    return { kind: "entry" };
  }
}
