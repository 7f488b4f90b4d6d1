/**
 * Requests to one gateway, with the token that the page has, and sent again where that is safe.
 *
 * Owns the token. A refused one is replaced once for all requests that are under way, and a request
 * is sent again with the new one. To read, a token is shown only after the server asked for it: one
 * that is sent where none is needed may be refused.
 */
import { Problem, noAnswer, problemOf } from "./problem.js";
import { deadline, retryDelay, sleep } from "./waits.js";

const ANSWER_WITHIN_MS = 15_000;
/** @type {Record<string, "missing" | "expired" | "invalid">} */
const WHY = { token_missing: "missing", ticket_missing: "missing", token_expired: "expired", token_invalid: "invalid" };

/**
 * @typedef {object} Call
 * @property {unknown} [body]  becomes JSON
 * @property {Record<string, string>} [headers]
 * @property {Record<string, string | number | undefined>} [query]
 * @property {boolean} [reads]  where a token is not sent unless it is needed
 * @property {AbortSignal} [signal]
 * @property {number} [withinMs]  for how long it is sent again; not at all by default
 */

export class Http {
  #base;
  #getToken;
  #fetch;
  /** @type {string | null} */
  #token = null;
  #asked = false;
  #readsWithToken = false;
  /** @type {Promise<string | null> | undefined} */
  #renewal;

  /**
   * @param {string} base
   * @param {import("../index.d.ts").Options["getToken"]} getToken
   * @param {typeof fetch} fetch
   */
  constructor(base, getToken, fetch) {
    this.#base = base.replace(/\/+$/, "");
    this.#getToken = getToken;
    this.#fetch = fetch;
  }

  /**
   * The body of a success, and its reply.
   *
   * @param {string} method
   * @param {string} path
   * @param {Call} call
   * @returns {Promise<{body: any, response: Response}>}
   * @throws {Problem}
   */
  async call(method, path, call = {}) {
    const until = performance.now() + (call.withinMs ?? 0);
    for (let failures = 0; ; failures++) {
      try {
        return await this.#authorized(method, path, call);
      } catch (problem) {
        if (!(problem instanceof Problem && problem.passing) || call.signal?.aborted) throw problem;
        const pause = retryDelay(problem.retryAfter, failures);
        if (performance.now() + pause > until) throw problem;
        await sleep(pause, call.signal);
      }
    }
  }

  /**
   * @param {string} path
   * @param {Call["query"]} [query]
   */
  url(path, query = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    return `${this.#base}${path}${text && "?"}${text}`;
  }

  /** A request as it is: no token, no retries. @param {string} url @param {RequestInit} init */
  send(url, init) {
    // Nothing of the page's own cookies goes to a gateway, and nothing is kept by the browser.
    return this.#fetch(url, { cache: "no-store", credentials: "omit", ...init });
  }

  /** @param {string} method @param {string} path @param {Call} call */
  async #authorized(method, path, call) {
    const token = call.reads && !this.#readsWithToken ? null : await this.#current();
    try {
      return await this.#once(method, path, call, token);
    } catch (problem) {
      const why = problem instanceof Problem ? WHY[problem.code] : undefined;
      if (why === undefined || !this.#getToken) throw problem;
      const next = await this.#next(token, why);
      if (next === null || next === token) throw problem;
      if (call.reads) this.#readsWithToken = true;
      return this.#once(method, path, call, next);
    }
  }

  /** @param {string} method @param {string} path @param {Call} call @param {string | null} token */
  async #once(method, path, { body, headers, query, signal }, token) {
    const limit = deadline(ANSWER_WITHIN_MS, signal);
    /** @type {Record<string, string>} */
    const sent = { ...headers, Accept: "application/json" };
    if (token !== null) sent.Authorization = `Bearer ${token}`;
    if (body !== undefined) sent["Content-Type"] = "application/json";
    const text = body === undefined ? undefined : JSON.stringify(body);
    try {
      const init = { method, headers: sent, body: text, signal: limit.signal };
      const response = await this.send(this.url(path, query), init);
      if (!response.ok) throw await problemOf(response);
      return { response, body: await response.json() };
    } catch (cause) {
      throw cause instanceof Problem ? cause : noAnswer(cause, signal);
    } finally {
      limit.done();
    }
  }

  /** The token that we have; the page is asked before the first request. */
  async #current() {
    if (!this.#asked && this.#getToken) await this.#next(null, "missing");
    return this.#token;
  }

  /** Another token than the refused one. @param {string | null} refused @param {"missing" | "expired" | "invalid"} reason */
  async #next(refused, reason) {
    if (this.#token !== refused) return this.#token; // another request has fetched it meanwhile
    this.#renewal ??= this.#renew(reason).finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  /** @param {"missing" | "expired" | "invalid"} reason */
  async #renew(reason) {
    this.#token = (await this.#getToken?.({ reason })) ?? null;
    this.#asked = true;
    return this.#token;
  }
}
