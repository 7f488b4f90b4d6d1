/** The server's time: the clock of this computer may be wrong, and ends of time-outs are the server's. */

let aheadMs = 0;

/** Ask the server for the time. Without an answer this computer's counts. */
export async function readClock() {
  try {
    const { headers } = await fetch(location.pathname, { method: "HEAD", cache: "no-store", credentials: "omit" });
    const told = Date.parse(headers.get("Date") ?? "");
    if (!Number.isNaN(told)) aheadMs = told - Date.now();
  } catch {
    // The calls that follow say what is wrong.
  }
}

export const nowMs = () => Date.now() + aheadMs;

/** @param {number} ms from now on @returns {string} RFC 3339 */
export const afterMs = (ms) => new Date(nowMs() + ms).toISOString();
