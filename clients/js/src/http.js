/**
 * Requests to one gateway, with the page's token, and sent again where that is safe.
 *
 * It owns the token: whoever is refused first asks the page for another one, the others wait for it,
 * and each is sent again. To read, a token is shown only after the server has asked for it: where none
 * is needed, one that was sent may be refused.
 */
import { Problem, problemOf } from "./problem.js";
import { after, retryDelay, sleep } from "./waits.js";
/** @import {Call, Options} from "./types.d.ts" */

const ANSWER_WITHIN_MS = 15_000;
/** @type {Record<string, "missing" | "expired" | "invalid">} */
const WHY = {
  token_missing: "missing",
  ticket_missing: "missing",
  token_expired: "expired",
  token_invalid: "invalid",
};

export class Http {
  #base;
  #getToken;
  #fetch;
  /** @type {Promise<string | null> | undefined} */
  #token;
  #readsWithToken = false;

  /** @param {string} base @param {Options["getToken"]} getToken @param {typeof fetch} fetch */
  constructor(base, getToken, fetch) {
    this.#base = base.replace(/\/+$/, "");
    this.#getToken = getToken;
    this.#fetch = fetch;
  }

  /** The body of a success, and its reply. @param {string} method @param {string} path @param {Call} [call] @throws {Problem} */
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

  /** @param {string} path @param {Call["query"]} [query] */
  url(path, query = {}) {
    const url = new URL(this.#base + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url.href;
  }

  /** A request as it is: no token, no retries. @param {string} url @param {RequestInit} init */
  send(url, init) {
    // Nothing that the browser keeps for this origin goes to the gateway, and no reply is kept.
    return this.#fetch(url, { cache: "no-store", credentials: "omit", ...init });
  }

  /** @param {string} method @param {string} path @param {Call} call */
  async #authorized(method, path, call) {
    const shown = call.reads && !this.#readsWithToken ? undefined : (this.#token ??= this.#ask("missing"));
    const token = await shown;
    try {
      return await this.#once(method, path, call, token);
    } catch (problem) {
      const reason = problem instanceof Problem && WHY[problem.code];
      if (!reason || !this.#getToken) throw problem;
      if (this.#token === shown) this.#token = this.#ask(reason);
      const next = await this.#token;
      if (!next || next === token) throw problem;
      this.#readsWithToken ||= !!call.reads;
      return this.#once(method, path, call, next);
    }
  }

  /** @param {string} method @param {string} path @param {Call} call @param {string | null} [token] */
  async #once(method, path, { body, headers, query, signal }, token) {
    const limit = new AbortController();
    const cancel = after(ANSWER_WITHIN_MS, signal, () => limit.abort());
    const sent = new Headers({ Accept: "application/json", ...headers });
    if (token) sent.set("Authorization", `Bearer ${token}`);
    if (body !== undefined) sent.set("Content-Type", "application/json");
    try {
      const init = { method, headers: sent, body: JSON.stringify(body), signal: limit.signal };
      const response = await this.send(this.url(path, query), init);
      if (!response.ok) throw await problemOf(response);
      return { response, body: await response.json() };
    } catch (cause) {
      if (cause instanceof Problem) throw cause;
      throw new Problem(signal?.aborted ? "aborted" : "no_answer", 0, { title: "There was no reply", cause });
    } finally {
      cancel();
    }
  }

  /** @param {"missing" | "expired" | "invalid"} reason */
  async #ask(reason) {
    try {
      return (await this.#getToken?.({ reason })) ?? null;
    } catch (cause) {
      this.#token = undefined; // asked again for the next request
      throw new Problem("no_token", 0, { title: "The page could not give a token", cause });
    }
  }
}
