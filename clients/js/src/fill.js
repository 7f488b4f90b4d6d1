/** The entries that a stream left out, read from the log. */

const MOST = 5_000; // more than that is not worth showing; the reader begins anew
const PAGE = 200;
const WITHIN_MS = 30_000; // for each page, as long as nobody answers

/**
 * All entries of one epoch from one number to another; undefined if any of them cannot be had.
 *
 * @param {import("./http.js").Http} http
 * @param {string} path  `/v1/videos/{video_id}`
 * @param {{epoch: string, from: number, to: number}} hole
 * @param {AbortSignal} signal
 * @returns {Promise<import("../index.d.ts").Entry[] | undefined>}
 */
export async function fill(http, path, { epoch, from, to }, signal) {
  if (to - from >= MOST) return undefined;
  /** @type {import("../index.d.ts").Entry[]} */
  const found = [];
  try {
    while (found.length <= to - from) {
      const query = { after: `${epoch}-${from - 1 + found.length}`, limit: PAGE };
      const call = { query, reads: true, signal, withinMs: WITHIN_MS };
      const { body } = await http.call("GET", `${path}/entries`, call);
      if (body.entries.length === 0) return undefined;
      found.push(...body.entries);
      if (!consecutive(found, from)) return undefined; // the store no longer has them all
    }
  } catch {
    return undefined; // the reader is told that it is not whole, which is what matters
  }
  return found.slice(0, to - from + 1);
}

/** @param {{seq: number}[]} entries @param {number} from */
function consecutive(entries, from) {
  return entries.every(({ seq }, index) => seq === from + index);
}
