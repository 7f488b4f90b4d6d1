/**
 * The parts of the page. As many as there is room for stand side by side; the others share one place,
 * with a tab for each.
 */

import { get, make } from "./dom.js";
import { say } from "./messages.js";

const PANES = /** @type {const} */ (["live", "held", "rules", "bans", "terms", "audit"]);
/** @typedef {typeof PANES[number]} Pane */

/** How many of the first ones have a place of their own; the widths are those of moderate.css. */
const WIDE = window.matchMedia("(min-width: 1200px)");
const MEDIUM = window.matchMedia("(min-width: 740px)");

export class Panes {
  /** @type {Map<Pane, HTMLButtonElement>} */
  #tabs = new Map();
  /** @type {Pane} */
  #current = "live";
  #bar = get("tabs");
  #shown;

  /** @param {(pane: Pane) => void} shown somebody looks at a pane */
  constructor(shown) {
    this.#shown = shown;
    for (const pane of PANES) this.#bar.append(this.#makeTab(pane));
    this.#bar.onkeydown = (event) => this.#key(event);
    WIDE.onchange = MEDIUM.onchange = () => this.#arrange();
    this.#arrange();
  }

  /** Show a pane, if it is not on the screen. @param {Pane} pane */
  show(pane) {
    if (!this.#tabbed.includes(pane) || pane === this.#current) return;
    this.#current = pane;
    this.#arrange();
    this.#tabs.get(pane)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** How many wait in a pane. @param {Pane} pane @param {number} n */
  count(pane, n) {
    const count = this.#tabs.get(pane)?.querySelector(".count");
    const heading = get(pane).querySelector("h2 .count") ?? get(pane).querySelector("h2")?.appendChild(make("span", "count"));
    for (const each of [count, heading]) if (each) each.textContent = n ? ` ${n}` : "";
  }

  get #tabbed() {
    return PANES.slice(WIDE.matches ? 2 : MEDIUM.matches ? 1 : 0);
  }

  /** @param {Pane} pane */
  #makeTab(pane) {
    const tab = make("button", "tab", say(`tab.${pane}`), make("span", "count"));
    tab.type = "button";
    tab.id = `tab_${pane}`;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", pane);
    tab.onclick = () => this.show(pane);
    this.#tabs.set(pane, tab);
    return tab;
  }

  #arrange() {
    const tabbed = this.#tabbed;
    if (!tabbed.includes(this.#current)) this.#current = tabbed[0];
    for (const pane of PANES) {
      const isTabbed = tabbed.includes(pane);
      const isShown = !isTabbed || pane === this.#current;
      const section = get(pane);
      section.hidden = !isShown;
      section.setAttribute("role", isTabbed ? "tabpanel" : "region");
      section.setAttribute("aria-labelledby", `tab_${pane}`);
      const tab = /** @type {HTMLButtonElement} */ (this.#tabs.get(pane));
      tab.hidden = !isTabbed;
      tab.setAttribute("aria-selected", String(isShown));
      tab.tabIndex = isShown ? 0 : -1;
    }
    this.#shown(this.#current);
  }

  /** The arrows go through the tabs. @param {KeyboardEvent} event */
  #key(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const tabbed = this.#tabbed;
    const next = tabbed.at((tabbed.indexOf(this.#current) + by) % tabbed.length);
    if (!next) return;
    this.show(next);
    this.#tabs.get(next)?.focus();
  }
}
