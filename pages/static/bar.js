/** The bar: the connection, how many watch, and whether new comments are read aloud. */

import { get, icon, make } from "./dom.js";
import { recall, remember } from "./memory.js";
import { say } from "./messages.js";

/** @typedef {import("./index.d.ts").Video} Video */

/** @param {Video} video */
export function showState(video) {
  const state = get("state");
  video.on("state", (/** @type {{state: string}} */ change) => {
    state.dataset.state = change.state;
    state.textContent = say(`state.${change.state}`);
  });
}

/** @param {Video} video */
export function showViewers(video) {
  const viewers = get("viewers");
  video.on("viewers", (/** @type {{now: number}} */ { now }) => {
    viewers.hidden = false;
    viewers.replaceChildren(icon("eye"), make("span", "", say("viewers", { n: now })));
  });
}

/** The switch that lets the browser read the log aloud as it grows; it is off until it is wanted. */
export function offerReadingAloud() {
  const button = get("aloud", HTMLButtonElement);
  const log = get("log");
  button.append(icon("aloud"), make("span", "", say("aloud"))); // the words go where it is narrow
  button.title = say("aloud");
  button.setAttribute("aria-label", say("aloud"));
  /** @param {boolean} on */
  const set = (on) => {
    button.setAttribute("aria-pressed", String(on));
    log.setAttribute("aria-live", on ? "polite" : "off");
  };
  set(recall("aloud") === "on");
  button.addEventListener("click", () => {
    const on = log.getAttribute("aria-live") === "off";
    set(on);
    remember("aloud", on ? "on" : "");
  });
}
