/** Where a comment is written, and what became of it. */

import { Countdown, duration, readTime } from "./clock.js";
import { get, icon, make, makeButton } from "./dom.js";
import { recall, remember } from "./memory.js";
import { say } from "./messages.js";
import { explain } from "./problems.js";

/** @typedef {import("./index.d.ts").Me} Me */
/** @typedef {import("./index.d.ts").Settings} Settings */
/** @typedef {import("./index.d.ts").CommentList} CommentList */
/** @typedef {import("./index.d.ts").Video} Video */

const MAX_TEXT = 500; // code points
const WARN_FROM = 100; // that are left
const PATIENCE_MS = 3000;
const LASTING = ["banned", "closed", "members_only", "token_missing"];
const USED_UP = ["removed", "idempotency_key_reused"]; // what these keys stand for is known

/** @typedef {{code: string, status: number, retryAfter?: number, key?: string}} Refusal of a post */
/** @typedef {{text: string, author?: string, key?: string}} Draft */

export class Composer {
  #text = get("text", HTMLTextAreaElement);
  #author = get("author", HTMLInputElement);
  #send = get("send", HTMLButtonElement);
  /** @type {Settings | null} */
  #settings = null;
  /** @type {Me | null} */
  #me = null;
  #askedMe = false;
  #countdown = new Countdown(() => this.#draw());
  #isSlowed = false;
  #video;
  #list;
  #signedIn = false;
  #isClosed = false;
  /** What may have been saved, or not: the same again goes under the same key. @type {Draft | null} */
  #uncertain = null;

  /** @param {Video} video @param {CommentList} list @param {boolean} signedIn whether there is a token */
  constructor(video, list, signedIn) {
    this.#video = video;
    this.#list = list;
    this.#author.value ||= recall("author");
    video.on("settings", (/** @type {Settings} */ settings) => this.#ruled(settings));
    video.on("sanctioned", (/** @type {any} */ { author_id: id }) => id === this.#me?.author_id && this.#askMe());
    this.#listen();
    this.signIn(signedIn);
  }

  /** A token has come, or is gone. @param {boolean} signedIn */
  signIn(signedIn) {
    this.#signedIn = signedIn;
    this.#me = null;
    this.#uncertain = null; // it was somebody else's
    if (signedIn) void this.#askMe();
    this.#draw();
  }

  /** Somebody else writes from now on. */
  close() {
    this.#isClosed = true;
    this.#countdown.start(0);
  }

  /** Who writes here, "" for a guest. */
  get authorId() {
    return this.#me?.author_id ?? "";
  }

  #listen() {
    const form = get("composer");
    form.onsubmit = (event) => {
      event.preventDefault();
      void this.#submit();
    };
    // Those who only read cost no request.
    this.#text.onfocus = this.#author.onfocus = () => this.#askedMe || this.#askMe();
    // A frame in a sandbox may have no forms: then a browser does not even tell of a submit.
    this.#send.onclick = () => void this.#submit();
    this.#text.onkeydown = this.#author.onkeydown = (event) => {
      // One that ends a word of an input method is no end: Safari says so by the code alone.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      void this.#submit();
    };
    this.#text.oninput = () => this.#grow();
    this.#author.onchange = () => remember("author", this.#author.value.trim());
  }

  /** What the server says of who writes: the name, and whether it may. */
  async #askMe() {
    this.#askedMe = true;
    try {
      this.#me = await this.#video.me();
      if (this.#me.name) this.#signedIn = true;
      if (this.#me.retry_after_s) this.#pause(this.#me.retry_after_s, this.#me.code === "slow_mode");
    } catch {
      this.#askedMe = false; // a post will say what is wrong
    }
    this.#draw();
  }

  /** @param {Settings} settings */
  #ruled(settings) {
    const loosened = this.#settings && LASTING.includes(this.#me?.code ?? "");
    const { slow_mode_s: pause } = settings;
    this.#settings = settings;
    if (this.#isSlowed && this.#countdown.left > pause) this.#countdown.start(pause);
    if (loosened) void this.#askMe();
    this.#draw();
  }

  /** Why nothing can be written at all, "" if it can. */
  #barrier() {
    const { closed, members_only: members, guests = true } = this.#settings ?? {};
    if (this.#isModerator) return "";
    if (closed) return say("closed");
    if (!this.#signedIn && members) return say("members");
    if (!this.#signedIn && !guests) return say("signin");
    const { code } = this.#me ?? {};
    if (code === "token_missing") return say("signin");
    return code && LASTING.includes(code) && !(code === "closed" && this.#settings) ? explain({ code }) : "";
  }

  get #isModerator() {
    return (this.#me?.badges ?? []).length > 0;
  }

  async #submit() {
    const text = this.#text.value.trim();
    // With a token it is who the token names: the name may be another one by now than when it was asked for.
    const author = this.#signedIn ? undefined : this.#author.value.trim();
    if (this.#barrier() || this.#countdown.left) return;
    if (!this.#signedIn && !author) return this.#miss("author.missing", this.#author);
    if (!text) return this.#miss("text.missing", this.#text);
    if ([...text].length > MAX_TEXT) return this.#tell(explain({ code: "invalid_field", field: "text" }), "bad");
    this.#text.value = "";
    this.#grow();
    this.#tell("");
    const patience = setTimeout(() => this.#tell(say("offline"), "warn"), PATIENCE_MS);
    const draft = this.#drafted(text, author);
    try {
      const posted = await this.#list.post(draft);
      if (this.#uncertain?.key === draft.key) this.#uncertain = null;
      this.#posted(posted);
    } catch (problem) {
      this.#note(draft, /** @type {any} */ (problem));
      this.#refused(/** @type {any} */ (problem), text);
    } finally {
      clearTimeout(patience);
    }
  }

  /** @param {string} text @param {string} [author] @returns {Draft} */
  #drafted(text, author) {
    const last = this.#uncertain;
    return { text, author, key: last?.text === text && last.author === author ? last.key : undefined };
  }

  /** Whether it is known what became of it. @param {Draft} draft @param {Refusal} refusal */
  #note({ text, author }, { code, status, key }) {
    if (status === 0 || status >= 500) this.#uncertain = { text, author, key };
    else if (USED_UP.includes(code) && this.#uncertain?.key === key) this.#uncertain = null;
  }

  /** @param {{status: string, expiresAt?: string}} posted */
  #posted({ status, expiresAt = "" }) {
    if (status === "held") return this.#tell(say("held", { time: readTime(expiresAt).short }), "warn");
    this.#tell("");
    const pause = this.#settings?.slow_mode_s;
    if (pause && !this.#isModerator) this.#pause(pause, true);
  }

  /** @param {Refusal} problem @param {string} text */
  #refused(problem, text) {
    if (problem.code === "aborted") return;
    const lost = this.#text.value !== "";
    if (!lost) this.#text.value = text;
    this.#tell(explain(problem) + (lost ? ` “${text}”` : ""), "bad");
    if (["slow_mode", "timed_out"].includes(problem.code)) this.#pause(problem.retryAfter ?? 1, problem.code === "slow_mode");
    if (LASTING.includes(problem.code)) void this.#askMe();
    if (problem.code === "name_reserved" && !this.#signedIn) this.#author.focus();
    this.#grow();
  }

  /** @param {number} seconds @param {boolean} isSlowed by slow mode, which may end before */
  #pause(seconds, isSlowed) {
    this.#isSlowed = isSlowed;
    this.#countdown.start(seconds);
  }

  /** @param {string} key @param {HTMLElement} field */
  #miss(key, field) {
    this.#tell(say(key), "bad");
    field.focus();
  }

  /** What became of a comment; "" takes it away. @param {string} text @param {string} kind */
  #tell(text, kind = "") {
    if (this.#isClosed) return;
    const outcome = get("outcome");
    if (!text) return outcome.replaceChildren();
    const close = makeButton("plain", "", () => {
      outcome.replaceChildren();
      this.#text.focus();
    });
    close.append(icon("close"));
    close.setAttribute("aria-label", say("dismiss"));
    const said = make("p", "", text);
    outcome.replaceChildren(make("div", `note ${kind}`, said, close));
    if (said.scrollHeight > said.clientHeight) said.tabIndex = 0; // in a low frame it is scrolled, also with keys
  }

  #grow() {
    const left = MAX_TEXT - [...this.#text.value.trim()].length;
    const count = get("count");
    count.hidden = left > WARN_FROM;
    count.textContent = say("count", { n: left });
    if (CSS.supports("field-sizing", "content")) return;
    this.#text.style.height = "auto";
    this.#text.style.height = `${this.#text.scrollHeight + 2}px`;
  }

  #draw() {
    if (this.#isClosed) return;
    const barrier = this.#barrier();
    const left = this.#countdown.left;
    const time = duration(left);
    // Not disabled: whoever is typing keeps the place, and what is typed.
    this.#text.readOnly = barrier !== "";
    this.#text.setAttribute("aria-disabled", String(barrier !== ""));
    this.#text.placeholder = barrier || say("text.hint");
    get("who").hidden = this.#signedIn || barrier !== "";
    this.#send.setAttribute("aria-disabled", String(barrier !== "" || left > 0));
    if (left) this.#send.replaceChildren(hushed(duration(left, "narrow")), make("span", "heard", say("send.wait", { time })));
    else this.#send.textContent = say("send");
    // In an empty field it stands already.
    get("hint").textContent = barrier ? this.#text.value && barrier : this.#hint(left);
  }

  /** @param {number} left seconds of a pause */
  #hint(left) {
    const pause = this.#isModerator ? 0 : this.#settings?.slow_mode_s;
    if (left) return say("slow.wait", { time: duration(left) });
    if (pause) return say("slow", { time: duration(pause) });
    return this.#me?.name ? say("as", { name: this.#me.name }) : "";
  }
}

/** For those who see the page. @param {string} text */
function hushed(text) {
  const seen = make("span", "", text);
  seen.setAttribute("aria-hidden", "true");
  return seen;
}
