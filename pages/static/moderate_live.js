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
  /** What is chosen when the list has told: the row after the chosen one, or the last one. @type {"" | "next" | "last"} */
  #goal = "";
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

  /** Scrolled to the end. */
  ended() {
    if (this.#list.behind) this.#further();
    else super.ended();
  }

  get isWhole() {
    return !this.#list.behind;
  }

  /** @param {number} by */
  move(by) {
    this.stay();
    this.#goal = "";
    if (this.#choice.move(by, -1)) return;
    if (by < 0) return void this.older();
    if (!this.#list.hasMore) return;
    this.#goal = "next";
    this.#further();
  }

  /** The oldest here, or the newest. @param {number} at */
  jump(at) {
    this.stay();
    this.#goal = at < 0 && this.#list.hasMore ? "last" : "";
    if (this.#goal) return this.#list.admit();
    const row = this.#choice.rows.at(at);
    if (row && row === this.#choice.row && at === 0) return void this.older();
    if (row) this.#choice.choose(row);
  }

  /** Let go of the comment, and follow the newest. */
  leave() {
    this.#goal = "";
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
    const last = this.#choice.rows.at(-1);
    this.#choice.check();
    if (this.#goal === "last" && last) this.#choice.choose(last);
    if (this.#goal === "next" && !this.#choice.move(1, -1)) return this.#chosen(); // nothing new yet
    this.#goal = "";
    this.#chosen();
  }

  #further() {
    // Who goes on asks again; and the state of the connection says why nothing comes.
    this.#list.further().catch(() => {});
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
