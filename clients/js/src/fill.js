/** What is read from the log instead of the stream: what was before it, and what it left out. */

const MOST = 5_000; // whoever has missed more begins anew
const PAGE = 200;

/**
 * So many of the newest comments, the oldest first, and the place in the log that they were read at;
 * fewer if a page cannot be read, undefined if none can.
 *
 * @param {import("./http.js").Http} http @param {number} count
 * @param {{signal: AbortSignal, withinMs?: number}} how
 * @returns {Promise<{comments: any[], head: string} | undefined>}
 */
export async function newest(http, count, how) {
  /** @type {{comments: any[], head: string} | undefined} */
  let found;
  let query = { limit: Math.min(count, PAGE), before: undefined };
  for (let more = true; more && query.limit > 0; ) {
    const page = await http.call("GET", "/comments", { query, reads: true, ...how }).catch(() => undefined);
    if (!page) break;
    found = { head: page.body.head, ...found, comments: [...page.body.comments, ...(found?.comments ?? [])] };
    query = { limit: Math.min(count - found.comments.length, PAGE), before: page.body.first };
    more = page.body.more;
  }
  return found;
}

/**
 * All entries of one epoch from one number to another; undefined if any of them cannot be had. As long
 * as nobody answers it is asked for: what comes later would be shown as if nothing were missing.
 *
 * @param {import("./http.js").Http} http
 * @param {{epoch: string, from: number, to: number}} hole @param {AbortSignal} signal
 * @returns {Promise<any[] | undefined>}
 */
export async function fill(http, { epoch, from, to }, signal) {
  if (to - from >= MOST) return undefined;
  /** @type {any[]} */
  const found = [];
  while (found.length <= to - from) {
    const query = { after: `${epoch}-${from - 1 + found.length}`, limit: PAGE };
    const call = { query, reads: true, signal, withinMs: Infinity };
    // Refused: the reader is told that it is not whole, which is what matters.
    const page = await http.call("GET", "/entries", call).catch(() => undefined);
    const entries = page?.body.entries ?? [];
    found.push(...entries);
    // The store no longer has them all.
    if (!entries.length || found.some(({ seq }, at) => seq !== from + at)) return undefined;
  }
  return found.slice(0, to - from + 1);
}
