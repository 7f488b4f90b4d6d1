/**
 * The live log: a feed in which one comment at a time is chosen. While one is chosen, or the mouse is
 * over them, nothing moves; what comes meanwhile is counted, and let in below by going on past the end.
 */

import { get, makeButton } from "./dom.js";
import { Feed } from "./feed.js";
import { say } from "./messages.js";
import { Choice } from "./moderate_choice.js";
import { showItem } from "./moderate_row.js";

/** @typedef {import("./moderate_list.js").LogItem} LogItem */
/** @typedef {import("./moderate_list.js").LogList} LogList */
/** @typedef {import("./moderate_actions.js").Actions} Actions */
/** @typedef {import("./moderate_sanctions.js").Sanctions} Sanctions */

export class LiveFeed extends Feed {
  #list;
  #actions;
  #sanctions;
  #hovered = false;
  #goesOn = false;
  #box = get("log");
  #choice;
  /** @type {Record<string, HTMLButtonElement>} */
  #buttons = {};

  /**
   * @param {import("./index.d.ts").Video} video @param {LogList} list @param {Actions} actions @param {Sanctions} sanctions
   * @param {() => void} chosen another comment is chosen, or none
   */
  constructor(video, list, actions, sanctions, chosen) {
    super(video, /** @type {any} */ (list), () => false);
    this.#list = list;
    this.#actions = actions;
    this.#sanctions = sanctions;
    this.#choice = new Choice(this.#box, () => {
      chosen();
      this.#chosen();
    });
    this.#makeButtons();
    list.on("change", () => this.#shown());
    video.on("pinned", () => this.#chosen());
    this.#box.addEventListener("pointerenter", ({ pointerType }) => pointerType === "mouse" && this.#hover(true));
    this.#box.addEventListener("pointerleave", () => this.#hover(false));
    get("fresh").addEventListener("click", () => this.leave());
    this.#chosen();
  }

  /** The chosen comment. @returns {LogItem | undefined} */
  get item() {
    return this.#list.find(Number(this.#choice.row?.dataset.seq));
  }

  /** @param {any} item @param {HTMLElement} [known] */
  rowOf(item, known) {
    const toggle = (/** @type {LogItem} */ one) => void this.#actions.toggle(one);
    return showItem(item, known, { until: this.#sanctions.until(item.comment.author_id), toggle });
  }

  mayFollow() {
    return !this.#choice.row && !this.#hovered;
  }

  /** @param {number} by */
  move(by) {
    this.stay();
    if (this.#choice.move(by, -1) || by < 0 || !this.#list.unseen) return;
    this.#goesOn = true;
    this.#list.admit();
  }

  /** The oldest here, or the newest. @param {number} at */
  jump(at) {
    this.stay();
    if (at < 0) this.#list.admit();
    const row = this.#choice.rows.at(at);
    if (row) this.#choice.choose(row);
  }

  /** Let go of the comment, and follow the newest. */
  leave() {
    this.#choice.clear();
    this.#hovered = false;
    this.follow();
    this.focus();
  }

  focus() {
    (this.#choice.row ?? this.#box).focus({ preventScroll: true });
  }

  /** What the list has told is on the screen. */
  #shown() {
    this.#choice.check();
    if (this.#goesOn) this.#choice.move(1, -1);
    this.#goesOn = false;
    this.#chosen();
  }

  /** @param {boolean} hovered */
  #hover(hovered) {
    this.#hovered = hovered;
    if (hovered) this.stay();
    else if (this.atEnd && this.mayFollow()) this.follow();
  }

  #makeButtons() {
    const { verbs } = this.#actions;
    for (const [name, key] of Object.entries(verbs)) {
      const button = makeButton("", "", () => this.do(name));
      button.setAttribute("aria-keyshortcuts", key);
      button.dataset.act = name;
      this.#buttons[name] = button;
      get("acts").append(button);
    }
  }

  /** @param {string} name of a verb */
  do(name) {
    if (this.item) void this.#actions.act(name, this.item);
  }

  /** What can be done with the chosen comment. */
  #chosen() {
    if (this.#choice.row) this.stay();
    const { item } = this;
    for (const [name, button] of Object.entries(this.#buttons)) {
      const barrier = item ? this.#actions.barrier(name, item) : "";
      button.setAttribute("aria-disabled", String(!item || barrier !== ""));
      button.title = barrier;
      const text = this.#actions.name(name, item);
      if (button.dataset.text === text) continue;
      button.dataset.text = text;
      const key = document.createElement("kbd");
      key.textContent = button.getAttribute("aria-keyshortcuts");
      key.setAttribute("aria-hidden", "true");
      button.replaceChildren(text, key);
    }
  }
}
