/** What a refusal means for the person who reads it: each `code` of the API in plain words. */

import { duration } from "./clock.js";

/** @typedef {{code?: string, title?: string, status?: number, retryAfter?: number | null, field?: string | null}} Refusal */

const BUSY = "The server is busy. Your comment was not lost: try again in a moment.";
const SESSION = "Your session has ended. Reload this page to sign in again.";

/** @type {Record<string, string>} */
const MEANINGS = {
  token_missing: "Sign in to do this.",
  token_expired: SESSION,
  token_invalid: "You could not be signed in. Reload this page and try again.",
  ticket_missing: "You need access to this video. Sign in, or ask who runs this page.",
  ticket_expired: SESSION,
  ticket_invalid: SESSION,
  ticket_foreign: "Your access is for another video.",
  forbidden: "You are not allowed to do this.",
  closed: "Comments are closed.",
  members_only: "Only members may comment here.",
  banned: "You cannot comment here any more.",
  not_found: "This is not there any more.",
  duplicate: "You have just said the same. Say something new, or wait half a minute.",
  decided: "Somebody has decided on this already.",
  precondition_failed: "Somebody else has changed this meanwhile. Look at it again.",
  removed: "This comment was removed.",
  body_too_large: "This is too long.",
  idempotency_key_reused: "This was sent before. Change it and send it again.",
  marks: "There are too many marks on one letter.",
  links: "Links are not allowed here.",
  name_reserved: "This name looks like a moderator's. Choose another one.",
  blocked: "It has words that are not allowed here.",
  slow_mode: "Slow mode is on: you can comment again in {time}.",
  timed_out: "A moderator has paused you. You can comment again in {time}.",
  too_many_requests: "Too many comments come from your network. Try again in {time}.",
  store_unavailable: "It is not certain that your comment was saved. Send it again: it will appear once.",
  overloaded: BUSY,
  keys_unavailable: BUSY,
  unavailable: BUSY,
  draining: BUSY,
  bad_gateway: BUSY,
  gateway_timeout: BUSY,
  internal: "Something went wrong here. Try again in a moment.",
  no_answer: "There is no connection. Try again when you are online.",
};

/** What is wrong with which field of a form. @type {Record<string, string>} */
const FIELDS = {
  author: "This name cannot be used: 1 to 64 characters, on one line.",
  text: "A comment has 1 to 500 characters.",
};

/**
 * The sentence for a refusal; what the server calls it where the code is new.
 * @param {Refusal} problem
 * @returns {string}
 */
export function explain(problem) {
  const { code = "", field, retryAfter } = problem;
  const meaning = (code === "invalid_field" && FIELDS[field ?? ""]) || MEANINGS[code];
  const text = meaning ?? problem.title ?? MEANINGS.internal;
  return text.replace(/in \{time\}/, retryAfter ? `in ${duration(retryAfter)}` : "in a moment");
}
