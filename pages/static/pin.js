/** The pinned comment, above the others; it can be hidden until another one is pinned. */

import { get, icon, make, makeButton } from "./dom.js";
import { say } from "./messages.js";

/** @typedef {import("./index.d.ts").Comment} Comment */

let hidden = "";

/** @param {import("./index.d.ts").Video} video */
export function showPin(video) {
  show(video.pinned);
  video.on("pinned", (/** @type {{comment: Comment | null}} */ { comment }) => show(comment));
}

/** @param {Comment | null} comment */
function show(comment) {
  const pin = get("pin");
  pin.hidden = comment === null || comment.id === hidden;
  pin.classList.remove("whole");
  if (comment === null || pin.hidden) return pin.replaceChildren();
  const text = make("p", "said", comment.text);
  const body = make("div", "body", make("p", "", make("bdi", "name", comment.author)), text);
  pin.replaceChildren(icon("pin"), body, makeHide(comment.id));
  if (text.scrollHeight > text.clientHeight) body.append(makeMore(pin, text));
}

/** @param {string} id */
function makeHide(id) {
  const hide = makeButton("plain hide", "", () => {
    hidden = id;
    show(null);
    get("log").focus();
  });
  hide.append(icon("close"));
  hide.setAttribute("aria-label", say("pin.hide"));
  return hide;
}

/** @param {HTMLElement} pin @param {HTMLElement} text */
function makeMore(pin, text) {
  const more = makeButton("plain", say("pin.more"), () => {
    const whole = pin.classList.toggle("whole");
    more.textContent = say(whole ? "pin.less" : "pin.more");
    more.setAttribute("aria-expanded", String(whole));
    text.tabIndex = whole ? 0 : -1; // so that a long one can be scrolled with keys
  });
  more.setAttribute("aria-expanded", "false");
  return more;
}
