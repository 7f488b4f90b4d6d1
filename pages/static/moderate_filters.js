/** The terms that hold or refuse a comment: add, delete, and try what they find. */

import { get, make, makeButton } from "./dom.js";
import { say } from "./messages.js";
import { refill } from "./moderate_rows.js";

/** @typedef {import("./index.d.ts").Term} Term */
/** @typedef {import("./moderate_outcome.js").Outcome} Outcome */
/** @typedef {(terms: Term[]) => Term[]} Edit */

const KINDS = ["word", "literal", "pattern"];
const ACTIONS = ["hold", "block"];

export class Filters {
  /** @type {Term[]} */
  #terms = [];
  #etag = "";
  #term = get("term", HTMLInputElement);
  #kind = get("kind", HTMLSelectElement);
  #action = get("action", HTMLSelectElement);
  #sample = get("sample", HTMLInputElement);
  #moderation;
  #outcome;

  /** @param {import("./index.d.ts").Moderation} moderation @param {Outcome} outcome */
  constructor(moderation, outcome) {
    this.#moderation = moderation;
    this.#outcome = outcome;
    this.#kind.append(...KINDS.map((kind) => new Option(say(`term.${kind}`), kind)));
    this.#action.append(...ACTIONS.map((action) => new Option(say(`term.${action}`), action)));
    const forms = /** @type {[string, () => Promise<void> | void][]} */ ([["add", () => this.#add()], ["try", () => this.#test()]]);
    for (const [id, submit] of forms) {
      get(id).onsubmit = (event) => {
        event.preventDefault();
        void submit();
      };
    }
    void this.read();
  }

  async read() {
    try {
      this.#took(await this.#moderation.filters());
    } catch (problem) {
      this.#outcome.refuse(problem);
    }
  }

  async #add() {
    const term = { term: this.#term.value.trim(), kind: this.#kind.value, action: this.#action.value };
    if (!term.term) this.#outcome.tell(say("term.empty"), "bad");
    else if (this.#terms.some((known) => isSame(known, term))) this.#outcome.tell(say("term.twice"), "bad");
    else if (await this.#edit((terms) => [...terms, /** @type {Term} */ (term)], say("done.term", term), without(term))) {
      this.#term.value = "";
    }
    this.#term.focus();
  }

  /** @param {Term} term */
  async #delete(term) {
    await this.#edit(without(term), say("done.unterm", { term: term.term }), (terms) => [...without(term)(terms), term]);
  }

  /** Whether it was saved. @param {Edit} change @param {string} text @param {Edit} back */
  async #edit(change, text, back) {
    const at = this.#outcome.begin();
    try {
      await this.#outcome.track(this.#put(change));
    } catch (problem) {
      if (/** @type {{code?: string}} */ (problem).code === "precondition_failed") await this.read();
      this.#outcome.refuse(problem, { precondition_failed: say("term.conflict") });
      return false;
    }
    this.#outcome.done(at, text, async () => {
      await this.read(); // it is about this term only, whatever else has changed
      await this.#put(back);
    });
    return true;
  }

  /** @param {Edit} edit */
  async #put(edit) {
    this.#took(await this.#moderation.setFilters({ terms: edit(this.#terms) }, { ifMatch: this.#etag }));
  }

  async #test() {
    const text = this.#sample.value.trim();
    const verdict = get("verdict");
    if (!text) return verdict.replaceChildren();
    try {
      const { action, terms } = await this.#moderation.testFilters(text);
      const found = terms.map((at) => this.#terms[at]?.term ?? "").join(", ");
      const key = action === "block" ? "term.blocked" : "term.held";
      const said = action ? say(key, { terms: found }) : say("term.free");
      verdict.replaceChildren(make("span", `note said ${action ? "warn" : ""}`, said));
    } catch (problem) {
      this.#outcome.refuse(problem);
    }
  }

  /** @param {{filters: {terms: Term[]}, etag: string | null}} told */
  #took({ filters, etag }) {
    this.#terms = filters.terms;
    this.#etag = etag ?? "";
    get("unfiltered").hidden = this.#terms.length > 0;
    refill(get("list"), this.#terms.map((term) => this.#row(term)));
  }

  /** As it is by now. @param {Term} term */
  #known(term) {
    return this.#terms.find((known) => isSame(known, term)) ?? term;
  }

  /** @param {Term} term */
  #row(term) {
    const about = say("term.about", { kind: say(`term.${term.kind ?? "word"}`), action: say(`term.${term.action}`) });
    const button = makeButton("", say("act.delete"), () => void this.#delete(this.#known(term)));
    button.setAttribute("aria-label", `${say("act.delete")}: ${term.term}`);
    const row = make("li", "item", make("div", "body", make("p", "said name", term.term), make("p", "soft small", about)), button);
    row.dataset.key = `${term.kind} ${term.term}`;
    return row;
  }
}

/** @param {{term: string, kind?: string}} one @param {{term: string, kind?: string}} other */
function isSame(one, other) {
  return one.term === other.term && (one.kind ?? "word") === (other.kind ?? "word");
}

/** @param {{term: string, kind?: string}} term @returns {Edit} */
function without(term) {
  return (terms) => terms.filter((known) => !isSame(known, term));
}
