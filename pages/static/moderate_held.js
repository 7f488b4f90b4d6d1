/**
 * The comments that wait for a moderator. No event tells of them, so the list is asked for: often
 * while the page is looked at, and after each decision. Whoever decides first, decides.
 */

import { duration } from "./clock.js";
import { get, make, makeButton } from "./dom.js";
import { say } from "./messages.js";
import { named } from "./moderate_actions.js";
import { Choice } from "./moderate_choice.js";
import { fit } from "./moderate_row.js";
import { nowMs } from "./moderate_time.js";
import { makeRow } from "./row.js";

/** @typedef {import("./index.d.ts").HeldComment} HeldComment */
/** @typedef {import("./index.d.ts").Moderation} Moderation */
/** @typedef {import("./moderate_outcome.js").Outcome} Outcome */

const EVERY_MS = 4000;
const MOST = 200;
// How the server says which decision came first.
const FIRST = /approved|denied/;

export class Held {
  #box = get("queue");
  #choice = new Choice(this.#box, () => {});
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();
  /** @type {Map<string, HeldComment>} */
  #held = new Map();
  /** Decided here: a list that was under way does not bring them back. @type {Set<string>} */
  #decided = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #moderation;
  #outcome;
  #counted;

  /** @param {Moderation} moderation @param {Outcome} outcome @param {(waiting: number) => void} counted */
  constructor(moderation, outcome, counted) {
    this.#moderation = moderation;
    this.#outcome = outcome;
    this.#counted = counted;
    document.addEventListener("visibilitychange", () => this.#soon(0));
    this.#soon(0);
  }

  /** Ask for the list now. */
  look() {
    this.#soon(0);
  }

  /** @param {number} by */
  move(by) {
    this.#choice.move(by, 0);
  }

  /** @param {number} at */
  jump(at) {
    const row = this.#choice.rows.at(at);
    if (row) this.#choice.choose(row);
  }

  /** The chosen one, or the oldest. */
  focus() {
    const row = this.#choice.row ?? this.#choice.rows[0];
    if (row) this.#choice.choose(row);
    else this.#box.focus({ preventScroll: true });
  }

  leave() {
    this.#choice.clear();
  }

  /** About the chosen one. @param {"approve" | "deny"} decision */
  decide(decision) {
    const held = this.#held.get(this.#choice.row?.dataset.id ?? "");
    if (held) void this.#decide(held, decision);
  }

  /** @param {number} ms */
  #soon(ms) {
    clearTimeout(this.#timer);
    if (!document.hidden) this.#timer = setTimeout(() => void this.#read(), ms);
  }

  async #read() {
    try {
      const { held } = await this.#moderation.held({ limit: MOST });
      this.#show(held.filter(({ id }) => !this.#decided.has(id)));
    } catch (problem) {
      const { passing, status } = /** @type {import("./index.d.ts").Problem} */ (problem);
      if (!passing) this.#outcome.refuse(problem); // else the state of the connection says it
      if (status === 401) return; // until there is another token, or somebody looks again
    }
    this.#soon(EVERY_MS);
  }

  /** @param {HeldComment} held @param {"approve" | "deny"} decision */
  async #decide(held, decision) {
    if (this.#decided.has(held.id)) return;
    this.#decided.add(held.id);
    this.#drop(held.id); // if it is refused, the next list brings it back
    const about = named({ comment: held });
    const at = this.#outcome.begin();
    try {
      const told = await this.#outcome.track(this.#moderation.decide(held.id, decision));
      const seq = told.comment?.seq;
      const undo = seq ? () => this.#moderation.remove(seq) : undefined;
      this.#outcome.done(at, say(decision === "approve" ? "done.approve" : "done.deny", about), undo);
    } catch (problem) {
      const { code, detail = "" } = /** @type {{code?: string, detail?: string}} */ (problem);
      const [first = ""] = FIRST.exec(detail) ?? [];
      const key = first === "approved" ? "held.approved" : first ? "held.denied" : "held.expired";
      if (code === "decided") this.#outcome.tell(say(key, about), "warn");
      else this.#outcome.refuse(problem);
      if (code !== "decided") this.#decided.delete(held.id);
    }
    this.#soon(0);
  }

  /** The next one is chosen, where this one was. @param {string} id */
  #drop(id) {
    const row = this.#rows.get(id);
    const { rows } = this.#choice;
    const at = row ? rows.indexOf(row) : -1;
    const hadFocus = row !== undefined && row.contains(document.activeElement);
    this.#show([...this.#held.values()].filter((each) => each.id !== id));
    const next = this.#choice.rows[Math.min(at, this.#choice.rows.length - 1)];
    if (hadFocus && next) this.#choice.choose(next);
    else if (hadFocus) this.#box.focus({ preventScroll: true });
  }

  /** @param {HeldComment[]} held */
  #show(held) {
    this.#held = new Map(held.map((each) => [each.id, each]));
    for (const [id, row] of this.#rows) {
      if (this.#held.has(id)) continue;
      // Somebody is about to decide on it: it says what has become of it, and goes with the next list.
      if (row === this.#choice.row && !row.classList.contains("gone") && !this.#decided.has(id)) this.#end(row);
      else {
        row.remove();
        this.#rows.delete(id);
      }
    }
    let next = null;
    for (const each of [...held].reverse()) {
      const row = this.#rows.get(each.id) ?? this.#make(each);
      if (!row.isConnected) this.#box.insertBefore(row, next);
      this.#tell(row, each);
      next = row;
    }
    this.#choice.check();
    get("none").hidden = this.#rows.size > 0;
    this.#counted(held.length);
  }

  /** @param {HTMLElement} row */
  #end(row) {
    const hadFocus = row.contains(document.activeElement);
    row.classList.add("gone");
    const left = row.querySelector(".left");
    if (left) left.textContent = say("held.elsewhere");
    row.querySelector(".buttons")?.remove();
    if (hadFocus) row.focus({ preventScroll: true });
  }

  /** @param {HeldComment} held */
  #make(held) {
    const { id, author, text, held_at: at } = held;
    const row = fit(makeRow({ ...held, video_id: "", seq: 0, created_at: at }), held);
    row.dataset.id = id;
    row.setAttribute("aria-label", say("row.label", { name: author, text }));
    row.querySelector(".line")?.append(make("span", "badge quiet left"));
    row.querySelector(".body")?.append(
      make("p", "buttons", this.#button("approve", "a", held), this.#button("deny", "x", held)),
    );
    this.#rows.set(id, row);
    return row;
  }

  /** @param {"approve" | "deny"} decision @param {string} key @param {HeldComment} held */
  #button(decision, key, held) {
    const kind = decision === "deny" ? "danger" : "";
    const button = makeButton(kind, say(`act.${decision}`), () => void this.#decide(held, decision));
    const hint = make("kbd", "", key);
    hint.setAttribute("aria-hidden", "true");
    button.append(hint);
    button.setAttribute("aria-keyshortcuts", key);
    return button;
  }

  /** How long it still waits. @param {HTMLElement} row @param {HeldComment} held */
  #tell(row, { expires_at: end }) {
    const rest = (Date.parse(end) - nowMs()) / 1000;
    const seconds = rest > 90 ? Math.floor(rest / 60) * 60 : rest; // never more than there is
    const left = row.querySelector(".left");
    if (left) left.textContent = seconds > 0 ? say("held.left", { time: duration(seconds) }) : say("held.late");
  }
}
