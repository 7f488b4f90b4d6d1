/** Who may not comment: known for the rows of the log, and shown as a list. */

import { readTime } from "./clock.js";
import { get, make, makeButton } from "./dom.js";
import { say } from "./messages.js";
import { isForever, shortId } from "./moderate_row.js";
import { refill } from "./moderate_rows.js";
import { nowMs } from "./moderate_time.js";

/** @typedef {import("./index.d.ts").Sanction} Sanction */
/** @typedef {import("./moderate_outcome.js").Outcome} Outcome */
/** @typedef {import("./moderate_names.js").Names} Names */

const PAGE = 100;
const AGAIN_MS = 1000; // a purge of many says so at once

export class Sanctions {
  /** @type {Map<string, Sanction>} */
  #known = new Map();
  #more = get("more_bans", HTMLButtonElement);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #moderation;
  #names;
  #outcome;
  #changed;

  /**
   * @param {import("./index.d.ts").Video} video @param {Names} names @param {Outcome} outcome
   * @param {(authorId: string) => void} changed
   */
  constructor(video, names, outcome, changed) {
    this.#moderation = video.moderation;
    this.#names = names;
    this.#outcome = outcome;
    this.#changed = changed;
    video.on("sanctioned", (entry) => {
      this.#set({ ...entry, by: "", at: entry.created_at });
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.read(), AGAIN_MS);
    });
    this.#more.onclick = () => void this.read([...this.#known.keys()].sort().at(-1));
    void this.read();
  }

  /** Until when an author may not comment; null: may. @param {string} [id] */
  until(id) {
    return this.#of(id)?.until ?? null;
  }

  /**
   * Without `until` it is for ever.
   * @param {string} id @param {string} text what to say when it is done
   * @param {{until?: string, purge?: boolean, reason?: string}} options
   * @param {() => Promise<void>} [also] to undo besides
   */
  async put(id, text, options, also) {
    const before = this.#of(id);
    await this.#outcome.do(
      async () => this.#set(await this.#moderation.sanction(id, options)),
      text,
      async () => {
        this.#set(before ? await this.#again(before) : { ...none(id), ...(await this.#moderation.lift(id)) });
        await also?.();
      },
    );
  }

  /** Read the list, or what follows an author in it. @param {string} [after] */
  async read(after) {
    try {
      const { sanctions, more } = await this.#moderation.sanctions({ limit: PAGE, after });
      if (!after) this.#known.clear();
      for (const one of sanctions) this.#know(one);
      this.#more.hidden = !more;
      this.#draw(); // once: the list with some of them only would move the focus to another one
    } catch (problem) {
      this.#outcome.refuse(problem);
    }
  }

  /** @param {string} [id] */
  #of(id) {
    const found = this.#known.get(id ?? "");
    return found?.until && Date.parse(found.until) > nowMs() ? found : undefined;
  }

  /** @param {Sanction} sanction */
  #again({ author_id: id, until, reason }) {
    return this.#moderation.sanction(id, { until: until && !isForever(until) ? until : undefined, reason });
  }

  /** @param {Sanction} sanction */
  #set(sanction) {
    this.#know(sanction);
    this.#draw();
  }

  /** @param {Sanction} sanction */
  #know(sanction) {
    this.#known.set(sanction.author_id, sanction);
    this.#changed(sanction.author_id);
  }

  /** @param {string} id */
  async #lift(id) {
    const sanction = this.#known.get(id);
    if (!sanction) return;
    const text = say("done.lift", { name: this.#names.of(id) });
    await this.#outcome.do(
      async () => this.#set({ ...none(id), ...(await this.#moderation.lift(id)) }),
      text,
      async () => this.#set(await this.#again(sanction)),
    );
  }

  #draw() {
    const now = nowMs();
    const counting = [...this.#known.values()].filter(({ until }) => until && Date.parse(until) > now);
    counting.sort((one, other) => other.at.localeCompare(one.at));
    get("unbanned").hidden = counting.length > 0;
    refill(get("sanctions"), counting.map((one) => this.#row(one)));
  }

  /** @param {Sanction} sanction */
  #row(sanction) {
    const { author_id: id, until, by, at, reason } = sanction;
    const end = until && !isForever(until) ? say("bans.until", { time: readTime(until).full }) : say("bans.ever");
    const line = make("p", "line", make("bdi", "name", this.#names.of(id)), make("code", "id", shortId(id)));
    const body = make("div", "body", line, make("p", "small", end));
    if (reason) body.append(make("p", "said small", reason));
    if (by) body.append(make("p", "soft small", say("bans.by", { name: this.#names.of(by), time: readTime(at).short })));
    const lift = makeButton("", say("act.lift"), () => void this.#lift(id));
    lift.setAttribute("aria-label", `${say("act.lift")}: ${this.#names.of(id)}`);
    const row = make("li", "item", body, lift);
    row.dataset.key = id;
    return row;
  }
}

/** @param {string} id @returns {Sanction} */
function none(id) {
  return { author_id: id, until: null, purge: false, by: "", at: "" };
}
