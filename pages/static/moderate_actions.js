/** What can be done with a comment and its author, each with what undoes it. */

import { duration } from "./clock.js";
import { say } from "./messages.js";
import { ask } from "./moderate_ask.js";
import { afterMs } from "./moderate_time.js";

/** @typedef {import("./moderate_list.js").LogItem} LogItem */
/** @typedef {import("./moderate_list.js").LogList} LogList */
/** @typedef {import("./moderate_outcome.js").Outcome} Outcome */
/** @typedef {import("./moderate_sanctions.js").Sanctions} Sanctions */
/** @typedef {import("./index.d.ts").Video} Video */

const OF_AUTHORS = ["timeout", "ban", "purge"];
const TIMES_S = [60, 600, 3600];
const TEXT_SHOWN = 60;
const NAME_SHOWN = 24;

export class Actions {
  /** By name: the key that does it. */
  verbs = { remove: "d", timeout: "t", ban: "b", purge: "p", pin: "n" };
  #video;
  #list;
  #sanctions;
  #outcome;

  /** @param {Video} video @param {LogList} list @param {Sanctions} sanctions @param {Outcome} outcome */
  constructor(video, list, sanctions, outcome) {
    this.#video = video;
    this.#list = list;
    this.#sanctions = sanctions;
    this.#outcome = outcome;
  }

  /** What a verb is called for this comment. @param {string} verb @param {LogItem} [item] */
  name(verb, item) {
    if (verb === "remove" && item?.gone) return say("act.restore");
    if (verb === "pin" && item && this.#isPinned(item)) return say("act.unpin");
    return say(`act.${verb}`);
  }

  /** Why a verb cannot be done with this comment; "" if it can. @param {string} verb @param {LogItem} item */
  barrier(verb, { comment, blank }) {
    if (comment.author_id || !OF_AUTHORS.includes(verb)) return "";
    return say(blank ? "nobody" : "guest");
  }

  /** @param {string} verb @param {LogItem} item */
  act(verb, item) {
    if (verb === "remove") return this.toggle(item);
    if (verb === "pin") return this.#pin(item);
    const { author_id: id } = item.comment;
    // A key can be struck all the same.
    if (!id) return this.#outcome.tell(this.barrier(verb, item), "warn");
    if (verb === "timeout") return this.#timeOut(item, id);
    if (verb === "purge") return this.#purge(item, id);
    return this.#sanctions.put(id, say("done.ban", named(item)), {});
  }

  /** Remove, or restore. @param {LogItem} item */
  async toggle(item) {
    if (item.pending) return;
    item.pending = true;
    this.#list.touch([item]);
    const { seq } = item.comment;
    const [act, undo] = item.gone ? [this.#restore, this.#remove] : [this.#remove, this.#restore];
    const text = () => say(item.gone ? "done.remove" : "done.restore", named(item));
    await this.#outcome.do(() => act(seq), text, () => undo(seq));
    item.pending = false;
    this.#list.touch([item]);
  }

  #remove = async (/** @type {number} */ seq) => {
    const { notices } = await this.#video.moderation.remove(seq);
    this.#list.remove([seq], notices[0] ?? { by: "moderator" });
  };

  #restore = async (/** @type {number} */ seq) => {
    this.#list.restore(await this.#video.moderation.restore(seq));
  };

  /** @param {LogItem} item */
  #isPinned(item) {
    return this.#video.pinned?.seq === item.comment.seq;
  }

  /** @param {LogItem} item */
  async #pin(item) {
    const { moderation, pinned } = this.#video;
    const before = pinned?.seq;
    const set = (/** @type {number | undefined} */ seq) => (seq ? moderation.pin(seq) : moderation.unpin());
    const wanted = this.#isPinned(item) ? undefined : item.comment.seq;
    const text = wanted ? say("done.pin", named(item)) : say("done.unpin");
    await this.#outcome.do(() => set(wanted), text, () => set(before));
  }

  /** @param {LogItem} item @param {string} id */
  async #timeOut(item, id) {
    const choices = TIMES_S.map((seconds, at) => ({ key: String(at + 1), label: duration(seconds), value: seconds }));
    const seconds = await ask(say("timeout.ask", named(item)), say("timeout.how"), choices);
    if (!seconds) return;
    const text = say("done.timeout", { ...named(item), time: duration(seconds) });
    await this.#sanctions.put(id, text, { until: afterMs(seconds * 1000) });
  }

  /** @param {LogItem} item @param {string} id */
  async #purge(item, id) {
    const choices = [{ key: "1", label: say("purge.do"), value: true, danger: true }];
    if (!(await ask(say("purge.ask", named(item)), say("purge.how"), choices))) return;
    const shown = this.#list.by(id).filter(({ gone }) => !gone);
    await this.#sanctions.put(id, say("done.purge", named(item)), { purge: true }, async () => {
      for (const { comment } of shown) await this.#restore(comment.seq);
    });
  }
}

/** Whose comment it is, and how it begins. @param {{comment: {author: string, text: string}, blank?: boolean}} item */
export function named({ comment: { author, text }, blank }) {
  return { name: blank ? say("someone") : start(author, NAME_SHOWN), text: start(text, TEXT_SHOWN) };
}

/** @param {string} text @param {number} most code points */
function start(text, most) {
  const points = [...text];
  return points.length > most ? `${points.slice(0, most).join("")}…` : text;
}
