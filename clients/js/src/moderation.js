/** What a moderator may do with a video: one method for each call of the protocol. */

/** @typedef {import("./http.js").Http} Http */

export class Moderation {
  #http;
  #path;

  /** @param {Http} http @param {string} path  `/v1/videos/{video_id}` */
  constructor(http, path) {
    this.#http = http;
    this.#path = path;
  }

  /** @param {number | number[]} seqs @param {{reason?: string}} [options] */
  remove(seqs, { reason } = {}) {
    return this.#call("POST", "/removals", { body: { seqs: [seqs].flat(), reason } });
  }

  /** @param {number} seq */
  restore(seq) {
    return this.#call("POST", `/comments/${seq}/restore`);
  }

  /** @param {string} authorId @param {{until?: string, purge?: boolean, reason?: string}} [options] */
  sanction(authorId, options = {}) {
    return this.#call("PUT", `/sanctions/${encodeURIComponent(authorId)}`, { body: options });
  }

  /** @param {string} authorId */
  lift(authorId) {
    return this.#call("DELETE", `/sanctions/${encodeURIComponent(authorId)}`);
  }

  /** @param {{limit?: number, after?: string}} [query] */
  sanctions(query) {
    return this.#call("GET", "/sanctions", { query });
  }

  /** @param {number} seq */
  pin(seq) {
    return this.#call("PUT", "/pin", { body: { seq } });
  }

  unpin() {
    return this.#call("DELETE", "/pin");
  }

  async settings() {
    const { body: settings, etag } = await this.#tagged("GET", "/settings");
    return { settings, etag };
  }

  /** @param {Partial<import("../index.d.ts").Settings>} patch @param {{ifMatch?: string}} [options] */
  async updateSettings(patch, { ifMatch } = {}) {
    const { body: settings, etag } = await this.#tagged("PATCH", "/settings", patch, ifMatch);
    return { settings, etag };
  }

  /** @param {{limit?: number}} [query] */
  held(query) {
    return this.#call("GET", "/held", { query });
  }

  /** @param {string} id @param {"approve" | "deny"} decision */
  decide(id, decision) {
    return this.#call("POST", `/held/${encodeURIComponent(id)}`, { body: { decision } });
  }

  async filters() {
    const { body: filters, etag } = await this.#tagged("GET", "/filters");
    return { filters, etag };
  }

  /** @param {import("../index.d.ts").Filters} wanted @param {{ifMatch?: string}} [options] */
  async setFilters(wanted, { ifMatch } = {}) {
    const { body: filters, etag } = await this.#tagged("PUT", "/filters", wanted, ifMatch);
    return { filters, etag };
  }

  /** @param {string} text */
  testFilters(text) {
    return this.#call("POST", "/filters/test", { body: { text } });
  }

  /** @param {{limit?: number, before?: string}} [query] */
  audit(query) {
    return this.#call("GET", "/audit", { query });
  }

  /** @param {string} method @param {string} path @param {unknown} [body] @param {string} [ifMatch] */
  async #tagged(method, path, body, ifMatch) {
    /** @type {Record<string, string>} */
    const headers = ifMatch === undefined ? {} : { "If-Match": ifMatch };
    const told = await this.#send(method, path, { body, headers });
    return { body: told.body, etag: told.response.headers.get("ETag") };
  }

  /** @param {string} method @param {string} path @param {import("./http.js").Call} [call] */
  async #call(method, path, call) {
    return (await this.#send(method, path, call)).body;
  }

  /** @param {string} method @param {string} path @param {import("./http.js").Call} [call] */
  #send(method, path, call) {
    // Each of them sets a state, so sending one again is safe.
    return this.#http.call(method, this.#path + path, { withinMs: 10_000, ...call });
  }
}
