/** The entries that a stream left out, read from the log. */

const MOST = 5_000; // whoever has missed more begins anew
const PAGE = 200;
const WITHIN_MS = 30_000; // for each page, as long as nobody answers

/**
 * All entries of one epoch from one number to another; undefined if any of them cannot be had.
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
    const call = { query, reads: true, signal, withinMs: WITHIN_MS };
    // Refused: the reader is told that it is not whole, which is what matters.
    const page = await http.call("GET", "/entries", call).catch(() => undefined);
    const entries = page?.body.entries ?? [];
    found.push(...entries);
    // The store no longer has them all.
    if (!entries.length || found.some(({ seq }, at) => seq !== from + at)) return undefined;
  }
  return found.slice(0, to - from + 1);
}
