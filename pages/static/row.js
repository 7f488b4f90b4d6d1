/** A comment as a row, the same on every page. What people typed goes in as text only. */

import { readTime } from "./clock.js";
import { make } from "./dom.js";
import { knows, say } from "./messages.js";

/** @typedef {import("./index.d.ts").Comment} Comment */

const HUES = 12;
const graphemes = "Segmenter" in Intl ? new Intl.Segmenter() : null;

/**
 * The row of a comment; what is to follow its text can be appended to `.body`.
 * @param {Comment} comment
 * @returns {HTMLDivElement}
 */
export function makeRow(comment) {
  const { author, author_id: id, badges = [], guest, created_at: at, text } = comment;
  const time = readTime(at);
  const when = make("time", "", time.short);
  when.dateTime = at;
  when.title = time.full;
  const line = make("p", "line", make("bdi", "name", author || say("you")));
  for (const badge of badges.filter((each) => knows(`badge.${each}`)).slice(0, 1)) {
    line.append(make("span", "badge", say(`badge.${badge}`)));
  }
  if (guest) line.append(make("span", "badge quiet", say("badge.guest")));
  line.append(when);
  const body = make("div", "body", line, make("p", "said", text));
  return make("div", "comment", makeFace(author, id ?? author), body);
}

/**
 * The first letter of a name on a colour that is the same for all comments of a person.
 * @param {string} name
 * @param {string} id
 */
export function makeFace(name, id) {
  let hash = 0;
  for (let i = 0; i < id.length; i++) hash = (hash * 31 + id.charCodeAt(i)) >>> 0;
  const first = graphemes?.segment(name)[Symbol.iterator]().next().value?.segment ?? [...name][0];
  const face = make("span", `face hue-${hash % HUES}`, (first ?? "").toLocaleUpperCase());
  face.setAttribute("aria-hidden", "true");
  return face;
}
