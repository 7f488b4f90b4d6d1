/** What moderators have done to this video, newest first. It is read when somebody looks at it. */

import { readTime } from "./clock.js";
import { get, make } from "./dom.js";
import { knows, say } from "./messages.js";
import { isForever } from "./moderate_row.js";

/** @typedef {import("./index.d.ts").AuditedCall} AuditedCall */
/** @typedef {import("./moderate_names.js").Names} Names */
/** @typedef {import("./moderate_outcome.js").Outcome} Outcome */

const PAGE = 50;

export class Audit {
  #before = "";
  #more = get("more_calls", HTMLButtonElement);
  #moderation;
  #names;
  #outcome;

  /** @param {import("./index.d.ts").Moderation} moderation @param {Names} names @param {Outcome} outcome */
  constructor(moderation, names, outcome) {
    this.#moderation = moderation;
    this.#names = names;
    this.#outcome = outcome;
    this.#more.onclick = () => void this.#read(this.#before);
  }

  /** From the newest on. */
  look() {
    return this.#read();
  }

  /** @param {string} [before] */
  async #read(before) {
    try {
      const page = await this.#moderation.audit({ limit: PAGE, before });
      const rows = page.calls.map((call) => this.#row(call));
      if (before) get("calls").append(...rows);
      else get("calls").replaceChildren(...(rows.length ? rows : [make("li", "soft", say("audit.none"))]));
      this.#before = page.before ?? "";
      this.#more.hidden = !page.more;
    } catch (problem) {
      this.#outcome.refuse(problem);
    }
  }

  /** @param {AuditedCall} call */
  #row({ at, by, action, what, refused }) {
    const key = `audit.${action}`;
    const line = make("p", "line", make("span", "name", knows(key) ? say(key) : action));
    if (refused) line.append(make("span", "badge lost", say("audit.refused", { code: refused })));
    const who = say("bans.by", { name: this.#names.of(by), time: readTime(at).full });
    return make("li", "item", make("div", "body", line, make("p", "said small", summary(what)), make("p", "soft small", who)));
  }
}

/** @param {Record<string, unknown>} what */
function summary(what) {
  return Object.entries(what).map(([name, value]) => part(name, value)).filter(Boolean).join(" · ");
}

/** One member of what was asked for; "" where it says nothing. @param {string} name @param {unknown} value */
function part(name, value) {
  if (name === "until_ms") return end(value);
  if (value === null || value === false) return "";
  if (value === true) return name;
  const text = typeof value === "object" ? JSON.stringify(value).replace(/[{}[\]"]/g, "").replaceAll(",", ", ") : value;
  return `${name.replaceAll("_", " ")}: ${text}`;
}

/** @param {unknown} ms */
function end(ms) {
  if (typeof ms !== "number") return say("bans.lifted");
  const until = new Date(ms).toISOString();
  return isForever(until) ? say("bans.ever") : say("bans.until", { time: readTime(until).full });
}
