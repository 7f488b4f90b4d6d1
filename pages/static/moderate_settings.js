/**
 * The settings of the video. What somebody has changed here and not saved is not lost when another
 * moderator saves: it says what the other one has changed, and waits.
 */

import { duration } from "./clock.js";
import { get, make } from "./dom.js";
import { say } from "./messages.js";

/** @typedef {import("./index.d.ts").Settings} Settings */
/** @typedef {import("./moderate_outcome.js").Outcome} Outcome */
/** @typedef {Partial<Settings>} Changes */

const SWITCHES = /** @type {const} */ (["closed", "members_only", "links", "guests", "repeats"]);
const NAMES = /** @type {(keyof Settings)[]} */ (["slow_mode_s", ...SWITCHES]);
const PAUSES_S = [0, 3, 5, 10, 30, 60, 300, 600, 3600, 21_600];

export class SettingsForm {
  /** As the server has them, with their tag. @type {Settings | undefined} */
  #saved;
  #etag = "";
  #slow = get("slow_mode_s", HTMLSelectElement);
  #conflict = get("conflict");
  #moderation;
  #outcome;

  /** @param {import("./index.d.ts").Video} video @param {Outcome} outcome */
  constructor(video, outcome) {
    this.#moderation = video.moderation;
    this.#outcome = outcome;
    const form = get("settings", HTMLFormElement);
    form.onsubmit = (event) => {
      event.preventDefault();
      void this.#save();
    };
    form.onreset = (event) => {
      event.preventDefault();
      void this.#discard();
    };
    form.oninput = () => this.#tell();
    // With changes that are not saved, saving them finds out.
    video.on("settings", () => this.#isChanged || void this.#read());
    void this.#read();
  }

  get #isChanged() {
    return Object.keys(this.#changes()).length > 0;
  }

  async #read() {
    try {
      this.#took(await this.#moderation.settings());
    } catch (problem) {
      this.#outcome.refuse(problem);
    }
  }

  async #discard() {
    if (this.#saved) this.#fill(this.#saved);
    this.#tell();
    await this.#read();
  }

  async #save() {
    const changes = this.#changes();
    const before = this.#saved;
    if (!before || !this.#isChanged) return this.#outcome.tell(say("rule.same"));
    const undo = Object.fromEntries(Object.keys(changes).map((name) => [name, before[/** @type {keyof Settings} */ (name)]]));
    const text = say("done.rules", { what: difference(before, { ...before, ...changes }) });
    const at = this.#outcome.begin();
    try {
      const call = this.#moderation.updateSettings(changes, { ifMatch: this.#etag });
      this.#took(await this.#outcome.track(call));
      this.#outcome.done(at, text, async () => this.#took(await this.#moderation.updateSettings(undo)));
    } catch (problem) {
      if (/** @type {{code?: string}} */ (problem).code !== "precondition_failed") return this.#outcome.refuse(problem);
      await this.#compare(before);
    }
  }

  /** Somebody was faster: what has changed, with ours on top, not saved. @param {Settings} before */
  async #compare(before) {
    await this.#read();
    const what = difference(before, this.#saved ?? before);
    // Other rules of the video, such as its filters, have changed the tag too.
    if (!what) return this.#save();
    this.#note(say("rule.conflict", { what }));
    get("save").focus();
  }

  /** What was set here meanwhile stays as it is. @param {{settings: Settings, etag: string | null}} told */
  #took({ settings, etag }) {
    const here = this.#changes();
    this.#saved = settings;
    this.#etag = etag ?? "";
    this.#fill({ ...settings, ...here });
    this.#tell();
  }

  /** @param {Settings} settings */
  #fill(settings) {
    const pauses = [...new Set([...PAUSES_S, settings.slow_mode_s])].sort((one, other) => one - other);
    this.#slow.replaceChildren(...pauses.map((pause) => new Option(pauseText(pause), String(pause))));
    this.#slow.value = String(settings.slow_mode_s);
    for (const name of SWITCHES) get(name, HTMLInputElement).checked = settings[name];
  }

  /** What is set here and not saved. @returns {Changes} */
  #changes() {
    const saved = this.#saved;
    if (!saved) return {};
    /** @type {Record<string, number | boolean>} */
    const here = { slow_mode_s: Number(this.#slow.value) };
    for (const name of SWITCHES) here[name] = get(name, HTMLInputElement).checked;
    return Object.fromEntries(Object.entries(here).filter(([name, value]) => value !== saved[/** @type {keyof Settings} */ (name)]));
  }

  #tell() {
    const what = this.#saved && difference(this.#saved, { ...this.#saved, ...this.#changes() });
    if (what) this.#note(say("rule.unsaved", { what }));
    else this.#conflict.replaceChildren();
  }

  /** @param {string} text */
  #note(text) {
    this.#conflict.replaceChildren(make("p", "note warn", text));
  }
}

/** "slow mode off → 30 seconds, links on → off"; "" if they are the same. @param {Settings} before @param {Settings} after */
function difference(before, after) {
  return NAMES.filter((name) => before[name] !== after[name])
    .map((name) => say("change", { name: say(`short.${name}`), from: valueText(before[name]), to: valueText(after[name]) }))
    .join(", ");
}

/** @param {number | boolean} value */
function valueText(value) {
  if (typeof value === "number") return pauseText(value);
  return say(value ? "value.on" : "value.off");
}

/** @param {number} seconds */
function pauseText(seconds) {
  return seconds ? duration(seconds) : say("rule.off");
}
