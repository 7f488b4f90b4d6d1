/** A comment as moderators see it: the row of all pages, with what was done to it and its author. */

import { readTime } from "./clock.js";
import { make, makeButton } from "./dom.js";
import { say } from "./messages.js";
import { makeRow } from "./row.js";

/** @typedef {import("./moderate_list.js").LogItem} LogItem */
/** @typedef {import("./moderate_list.js").Gone} Gone */
/** @typedef {import("./index.d.ts").Comment} Comment */

const FOREVER = "9999";
const ID_SHOWN = 8;

/**
 * @param {LogItem} item @param {HTMLElement | undefined} known keeps its place, and the focus if it has it
 * @param {{until: string | null, toggle: (item: LogItem) => void}} about until: of its author's sanction
 */
export function showItem(item, known, { until, toggle }) {
  const { comment, gone, pending, blank } = item;
  const shown = blank ? { ...comment, author: say("row.blank", { seq: comment.seq }), text: say("row.blank.text") } : comment;
  const drawn = fit(makeRow(shown), shown);
  if (blank) drawn.querySelector(".face")?.replaceWith(nobody());
  const line = drawn.querySelector(".line");
  if (until) line?.append(make("span", "badge quiet", tellUntil(until)));
  if (gone) line?.append(make("span", "badge lost", tellGone(gone)));
  const button = makeButton("plain act", say(gone ? "act.restore" : "act.remove"), () => toggle(item));
  button.tabIndex = -1; // there is a key, and a button below the list
  drawn.append(button);
  const row = known ?? drawn;
  if (known) known.replaceChildren(...drawn.childNodes);
  row.dataset.seq = String(comment.seq);
  row.setAttribute("aria-label", label(shown, gone));
  row.classList.toggle("gone", gone !== null);
  row.classList.toggle("blank", blank);
  row.classList.toggle("pending", pending);
  return row;
}

/**
 * A row that can have the focus, and tells the id of the author.
 * @param {HTMLElement} row @param {{author_id?: string}} comment
 */
export function fit(row, { author_id: id }) {
  row.setAttribute("role", "article");
  row.tabIndex = -1;
  if (id) {
    const code = make("code", "id", shortId(id));
    code.title = id;
    row.querySelector(".line")?.append(code);
  }
  return row;
}

/** @param {string} id */
export const shortId = (id) => id.slice(0, ID_SHOWN);

/** Whether a sanction is for good. @param {string} until */
export const isForever = (until) => until.startsWith(FOREVER);

/** In the place of a face. */
function nobody() {
  const face = make("span", "face nobody");
  face.setAttribute("aria-hidden", "true");
  return face;
}

/** @param {string} until */
function tellUntil(until) {
  return isForever(until) ? say("row.banned") : say("row.timed", { time: readTime(until).short });
}

/** @param {Gone} gone */
function tellGone({ by, reason }) {
  if (by === "author" || by === "erasure") return say(by === "author" ? "row.gone.author" : "row.gone.erasure");
  return reason ? say("row.gone.why", { reason }) : say("row.gone");
}

/** @param {Comment} comment @param {Gone | null} gone */
function label({ author, text }, gone) {
  return say("row.label", { name: gone ? `${tellGone(gone)}, ${author}` : author, text });
}
