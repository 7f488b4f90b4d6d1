/**
 * The place that a reader has come to in a video's log, and what a frame means there.
 *
 * Pure. The entries of one epoch are numbered without holes, so the number alone tells whether a
 * frame is the next one, was seen before, or shows that some are missing.
 */

/** @typedef {import("./connection.js").Frame} Frame */
/** @typedef {{epoch: string, seq: number}} Place */
/**
 * @typedef {{kind: "entry"} | {kind: "other"} | {kind: "old"} | {kind: "reset", reason: string, again: boolean}
 *   | {kind: "hole", from: number, to: number, reason: string, again: boolean}} Step
 *   again: take the same frame once more when this is dealt with
 */

/** @param {unknown} id @returns {Place | undefined} */
export function place(id) {
  const found = /^([a-z0-9]{12})-(0|[1-9][0-9]{0,14})$/.exec(String(id));
  return found ? { epoch: found[1], seq: Number(found[2]) } : undefined;
}

const WITHOUT_PLACE = ["state", "viewers", "bye"];

export class Log {
  /** @type {Place | undefined} */
  #at;

  /** @param {string} [cursor]  one that is no event id is for the server to refuse */
  constructor(cursor) {
    this.given = cursor;
    this.#at = place(cursor);
  }

  /** What the server is asked to go on from. */
  get cursor() {
    return this.#at ? `${this.#at.epoch}-${this.#at.seq}` : this.given;
  }

  get seq() {
    return this.#at?.seq ?? 0;
  }

  get epoch() {
    return this.#at?.epoch;
  }

  /** Everything up to this number was told, or will not come. @param {number} seq */
  pass(seq) {
    if (this.#at) this.#at = { epoch: this.#at.epoch, seq: Math.max(seq, this.#at.seq) };
  }

  /** Begin at another place. @param {string} id */
  begin(id) {
    this.#at = place(id) ?? this.#at;
  }

  /** What this frame means; the place moves with an entry and with a reset. @param {Frame} frame @returns {Step} */
  take(frame) {
    const there = place(frame.id);
    if (WITHOUT_PLACE.includes(frame.type) || !there) return { kind: "other" };
    if (frame.type === "reset") {
      this.#at = there;
      return { kind: "reset", reason: frame.data.reason, again: false };
    }
    if (!this.#at) {
      this.#at = frame.type === "hello" ? there : { ...there, seq: there.seq - 1 };
      if (frame.type === "hello") return { kind: "other" };
    }
    if (there.epoch !== this.#at.epoch) return this.#elsewhere(there, frame.type);
    return this.#next(frame, there.seq);
  }

  /** @param {Frame} frame @param {number} seq @returns {Step} */
  #next({ type, data }, seq) {
    const from = this.seq + 1;
    if (seq < from) return { kind: type === "hello" ? "other" : "old" };
    if (type === "gap") return { kind: "hole", from, to: seq, reason: data.reason, again: false };
    if (type === "hello") return { kind: "hole", from, to: seq, reason: "missing", again: true };
    if (seq > from) return { kind: "hole", from, to: seq - 1, reason: "missing", again: true };
    this.pass(seq);
    return { kind: "entry" };
  }

  /** Never without a `reset` before it; but if so, what is shown is void all the same. @param {Place} there @param {string} type @returns {Step} */
  #elsewhere({ epoch, seq }, type) {
    const isEntry = type !== "hello" && type !== "gap";
    this.#at = { epoch, seq: isEntry ? seq - 1 : seq };
    return { kind: "reset", reason: "epoch", again: isEntry };
  }
}
