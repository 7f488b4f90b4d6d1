/**
 * Requests about one video, with the page's token, and sent again where that is safe. To read, a token
 * is shown only after the server has asked for it: where none is needed, it may be refused.
 */
import { Problem, problemOf } from "./problem.js";
import { after, retryDelay, sleep, unless } from "./waits.js";
/** @import {Call} from "./types.d.ts" */

const ANSWER_WITHIN_MS = 15_000;
const MOST_RENEWALS = 2; // one that is missing, and one that was over when it came

export class Http {
  #token;
  #fetch;
  #readsWithToken = false;

  /** @param {string} base URL of the video @param {import("./token.js").Token} token @param {typeof fetch} fetch */
  constructor(base, token, fetch) {
    this.base = base;
    this.#token = token;
    this.#fetch = fetch;
  }

  /** The body of a success, and its reply. @param {string} method @param {string} below the video @param {Call} [call] @throws {Problem} */
  async call(method, below, call = {}) {
    let leftMs = call.withinMs ?? 0;
    for (let failures = 0; ; failures++) {
      const began = performance.now();
      try {
        return await this.#authorized(method, below, call);
      } catch (problem) {
        if (!(problem instanceof Problem && problem.passing)) throw problem;
        const pauseMs = retryDelay(problem.retryAfter, failures);
        // No more than both may take: the clock of a page that was frozen has gone on.
        leftMs -= Math.min(performance.now() - began, ANSWER_WITHIN_MS) + pauseMs;
        if (leftMs <= 0) throw problem;
        await sleep(pauseMs, call.signal);
      }
    }
  }

  /** @param {string} below @param {Call["query"]} [query] */
  url(below, query = {}) {
    const url = new URL(this.base + below);
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

  /** @param {string} method @param {string} below @param {Call} call */
  async #authorized(method, below, call) {
    let shown = call.reads && !this.#readsWithToken ? undefined : this.#token.first();
    for (let renewals = 0; ; renewals++) {
      const token = await unless(Promise.resolve(shown), call.signal, aborted);
      try {
        return await this.#once(method, below, call, token);
      } catch (problem) {
        if (!(problem instanceof Problem) || renewals === MOST_RENEWALS) throw problem;
        shown = this.#token.instead(shown, problem.code);
        const next = await unless(Promise.resolve(shown), call.signal, aborted);
        if (!next || next === token) throw problem;
        this.#readsWithToken ||= !!call.reads;
      }
    }
  }

  /** @param {string} method @param {string} below @param {Call} call @param {string | null} [token] */
  async #once(method, below, { body, headers, query, signal }, token) {
    if (signal?.aborted) throw aborted();
    const limit = new AbortController();
    const cancel = after(ANSWER_WITHIN_MS, signal, () => limit.abort());
    const sent = new Headers({ Accept: "application/json", ...headers });
    if (token) sent.set("Authorization", `Bearer ${token}`);
    if (body !== undefined) sent.set("Content-Type", "application/json");
    try {
      const init = { method, headers: sent, body: JSON.stringify(body), signal: limit.signal };
      const response = await this.send(this.url(below, query), init);
      if (!response.ok) throw await problemOf(response);
      return { response, body: await response.json() };
    } catch (cause) {
      if (cause instanceof Problem) throw cause;
      throw signal?.aborted ? aborted() : new Problem("no_answer", 0, { title: "There was no reply", cause });
    } finally {
      cancel();
    }
  }
}

const aborted = () => new Problem("aborted", 0, { title: "It was ended by who asked for it" });
