/** What a moderator may do with a video: one function for each call of the protocol. */

/** @param {import("./http.js").Http} http @returns {import("./types.d.ts").Moderation} */
export function moderationOf(http) {
  /** @param {string} method @param {string} below @param {import("./types.d.ts").Call} [call] */
  // Each of them sets a state, so sending one again is safe.
  const send = (method, below, call) => http.call(method, below, { withinMs: 10_000, ...call });
  /** @type {(method: string, below: string, body?: unknown) => Promise<any>} */
  const say = async (method, below, body) => (await send(method, below, { body })).body;
  /** @type {(below: string, query?: Record<string, any>) => Promise<any>} */
  const read = async (below, query) => (await send("GET", below, { query })).body;
  /** @type {(name: string, method: string, below: string, body?: unknown, tag?: string) => Promise<any>} */
  const tagged = async (name, method, below, body, tag) => {
    const told = await send(method, below, { body, headers: tag ? { "If-Match": tag } : {} });
    return { [name]: told.body, etag: told.response.headers.get("ETag") };
  };
  const sanction = (/** @type {string} */ author) => `/sanctions/${encodeURIComponent(author)}`;
  return {
    remove: (seqs, { reason } = {}) => say("POST", "/removals", { seqs: [seqs].flat(), reason }),
    restore: (seq) => say("POST", `/comments/${seq}/restore`),
    sanction: (author, options = {}) => say("PUT", sanction(author), options),
    lift: (author) => say("DELETE", sanction(author)),
    sanctions: (query) => read("/sanctions", query),
    pin: (seq) => say("PUT", "/pin", { seq }),
    unpin: () => say("DELETE", "/pin"),
    settings: () => tagged("settings", "GET", "/settings"),
    updateSettings: (patch, { ifMatch } = {}) => tagged("settings", "PATCH", "/settings", patch, ifMatch),
    held: (query) => read("/held", query),
    decide: (id, decision) => say("POST", `/held/${encodeURIComponent(id)}`, { decision }),
    filters: () => tagged("filters", "GET", "/filters"),
    setFilters: (terms, { ifMatch } = {}) => tagged("filters", "PUT", "/filters", terms, ifMatch),
    testFilters: (text) => say("POST", "/filters/test", { text }),
    audit: (query) => read("/audit", query),
  };
}
