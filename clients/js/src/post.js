/** Posting: once, however often it has to be sent. */
/** @import {NewComment, Posted} from "./types.d.ts" */

const WITHIN_MS = 120_000;

/**
 * @param {import("./http.js").Http} http
 * @param {NewComment} comment @param {{signal?: AbortSignal}} [options] @returns {Promise<Posted>}
 */
export async function post(http, { text, author, key = newKey() }, { signal } = {}) {
  const call = {
    body: { author, text }, // an author who is undefined is left out
    headers: { "Idempotency-Key": key },
    signal,
    withinMs: WITHIN_MS,
  };
  const { response, body } = await http.call("POST", "/comments", call).catch((error) => {
    throw Object.assign(error, { key }); // it may be stored all the same: the same key finds it
  });
  if (response.status === 202) return { status: "held", held: body.held, expiresAt: body.expires_at };
  return { status: "posted", comment: body };
}

/** Not `crypto.randomUUID`, which pages without TLS do not have. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
