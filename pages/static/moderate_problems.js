/** What a refusal means to a moderator; the author of a comment is somebody else. */

import { explain } from "./problems.js";

const BUSY = "The server is busy. Do it again in a moment: what is done already is not done twice.";
const TOKEN = "Your token does not count any more. Sign out, and come back with another one.";

/** @type {Record<string, string>} */
const MEANINGS = {
  token_missing: TOKEN,
  token_expired: TOKEN,
  token_invalid: TOKEN,
  no_token: TOKEN,
  forbidden: "You may not do this: you do not moderate this video, or the other one has your rank or a higher one.",
  closed: "Comments are closed, so it cannot be posted. It waits as before.",
  members_only: "Only members may comment here, and its author is none. It waits as before.",
  banned: "Its author is banned, so it cannot be posted. It waits as before.",
  timed_out: "Its author is timed out, so it cannot be posted. It waits as before.",
  slow_mode: "Its author is in slow mode. It waits as before.",
  name_reserved: "The name of its author looks like a moderator's, so it cannot be posted.",
  not_found: "There is no such comment.",
  decided: "Another moderator has decided on this.",
  precondition_failed: "Somebody has changed this meanwhile. Look at it again.",
  removed: "This cannot be restored any more.",
  body_too_large: "These are too many filters: 256 KiB is the most.",
  store_unavailable: "It is not certain that this was done. Do it again: it counts once.",
  too_many_requests: "Too many calls come from your network. Do it again in a moment.",
  no_answer: "There is no connection. Do it again when you are online: what is done already is not done twice.",
  overloaded: BUSY,
  keys_unavailable: BUSY,
  unavailable: BUSY,
  draining: BUSY,
  bad_gateway: BUSY,
  gateway_timeout: BUSY,
};

/**
 * @param {unknown} problem @param {Record<string, string>} [meanings] of this call, by their codes
 * @returns {string}
 */
export function explainCall(problem, meanings = {}) {
  const { code = "", detail, status } = /** @type {{code?: string, detail?: string, status?: number}} */ (problem);
  if (status === undefined) throw problem; // a mistake of ours
  const text = meanings[code] ?? MEANINGS[code] ?? explain(/** @type {any} */ (problem));
  return code === "invalid_field" && detail ? `${text} (${detail})` : text;
}
