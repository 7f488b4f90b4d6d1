/**
 * What is known of removals, apart from the rows: a page of the log that was under way meanwhile may
 * be older.
 *
 * A tombstone does not say what it stands for. It is a comment's if a notice names its number, and else
 * that of a `restored` or `pinned` entry, which is no row. The notice comes after the comment; it has been
 * read, or was told, before the page that holds the tombstone is taken. NOTICED numbers are kept, those
 * named last; of GONE it is kept too that they are removed now.
 */

/** @typedef {import("./index.d.ts").Entry} Entry */
/** @typedef {{by: string, reason?: string}} Gone */

const GONE = 2000;
const NOTICED = 20_000;

export class Removals {
  /** Told by the stream, and not taken back since. @type {Map<number, Gone>} */
  #gone = new Map();
  /** By the number of a comment: the newest notice that has removed it. @type {Map<number, Gone>} */
  #noticed = new Map();

  /** @param {number} seq @param {Gone} gone */
  tell(seq, { by, reason }) {
    keep(this.#gone, seq, { by, reason }, GONE);
    keep(this.#noticed, seq, { by, reason }, NOTICED);
  }

  /** @param {number} seq */
  takeBack(seq) {
    this.#gone.delete(seq);
  }

  /** Of a page. @param {Entry[]} entries */
  read(entries) {
    // Backwards, for a notice that is known is newer than what an older page says.
    for (const entry of [...entries].reverse()) {
      if (entry.type !== "removed") continue;
      const { by, reason, targets } = entry;
      for (const seq of targets) if (!this.#noticed.has(seq)) keep(this.#noticed, seq, { by, reason }, NOTICED);
    }
  }

  /** Why a comment is not there any more; undefined if it is, or nobody has told. @param {number} seq */
  now(seq) {
    return this.#gone.get(seq);
  }

  /** Whose notice has named a comment, also if it is there again. @param {number} seq */
  ever(seq) {
    return this.#noticed.get(seq);
  }

  clear() {
    this.#gone.clear();
    this.#noticed.clear();
  }
}

/** @param {Map<number, Gone>} map @param {number} seq @param {Gone} gone @param {number} most the newest are kept */
function keep(map, seq, gone, most) {
  map.delete(seq);
  map.set(seq, gone);
  for (const oldest of map.keys()) {
    if (map.size <= most) return;
    map.delete(oldest);
  }
}
