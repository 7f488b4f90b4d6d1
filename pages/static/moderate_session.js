/**
 * Who moderates: the token, from the field or from the application that opened this page, and the
 * dialog that asks for one. A token from the field is kept in this tab; it is never in a URL.
 */

import { Access } from "./access.js";
import { get } from "./dom.js";
import { recall, remember } from "./memory.js";
import { say } from "./messages.js";
import { explainCall } from "./moderate_problems.js";

/** @typedef {{reason: "missing" | "expired" | "invalid"}} Why */

const KEPT = "token";

export class Session {
  /** @type {string | null} */
  #token = null;
  #isOpen = false;
  /** There is another token than before: what was refused may go on. */
  renewed = () => {};
  #access;
  #dialog = get("entry", HTMLDialogElement);
  #field = get("token", HTMLInputElement);
  #error = get("entry_error");
  /** What the dialog does with a token. @type {(token: string) => Promise<void> | void} */
  #take = () => {};

  /** @param {string} video */
  constructor(video) {
    // An application that has opened this page may sign its moderator in at any time.
    this.#access = new Access(() => void this.#given(), window.opener);
    get("entry_name").textContent = say("entry.name", { video });
    get("command").textContent = `.venv/bin/livecomments token --sub mod --name Mod --role moderator:${video} --dev`;
    get("signin").onsubmit = (event) => {
      event.preventDefault();
      void this.#submit(this.#field.value.trim());
    };
    // Without a token there is nothing behind it. (A browser need not let `cancel` be prevented.)
    this.#dialog.addEventListener("close", () => this.#isOpen || this.#ask());
    get("leave").onclick = () => this.#leave();
  }

  /**
   * Until there is a token that counts: what `enter` has made of it.
   * @template T
   * @param {(token: string) => Promise<T>} enter
   * @returns {Promise<T>}
   */
  begin(enter) {
    return new Promise((resolve) => {
      this.#take = async (token) => {
        const entered = await enter(token);
        this.#isOpen = true;
        this.#keep(token);
        resolve(entered);
      };
      const kept = recall(KEPT, "session");
      if (kept) void this.#submit(kept).then(() => this.#isOpen || this.#ask());
      else this.#ask();
    });
  }

  /** For the client: see `getToken` there. @param {Why} why */
  async get(why) {
    if (why.reason === "missing" && this.#token) return this.#token;
    const given = await this.#access.get(why);
    if (given) return given;
    this.#token = null;
    remember(KEPT, "", "session");
    return this.#another();
  }

  /** A token in the place of one that has ended; null if nobody has one. @returns {Promise<string | null>} */
  #another() {
    return new Promise((resolve) => {
      this.#take = (token) => {
        this.#keep(token);
        resolve(token);
      };
      this.#dialog.addEventListener("close", () => resolve(null), { once: true });
      get("entry_why").textContent = say("entry.again");
      this.#ask();
    });
  }

  #ask() {
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#field.focus();
  }

  /** @param {string} token */
  async #submit(token) {
    if (!token) return this.#fail(say("entry.empty"));
    const button = get("enter");
    button.textContent = say("entry.wait");
    this.#error.hidden = true;
    try {
      await this.#take(token);
    } catch (problem) {
      const meanings = {
        not_moderator: say("entry.rank"),
        token_expired: say("entry.expired"),
        token_invalid: say("entry.invalid"),
      };
      this.#fail(explainCall(problem, meanings));
    } finally {
      button.textContent = say("entry.open");
    }
  }

  /** @param {string} text */
  #fail(text) {
    this.#error.hidden = false;
    this.#error.textContent = text;
    this.#field.focus();
  }

  async #given() {
    const token = this.#access.known ? await this.#access.get({ reason: "missing" }) : null;
    if (token && this.#dialog.open) await this.#submit(token);
  }

  /** @param {string} token */
  #keep(token) {
    this.#field.value = "";
    this.#dialog.close(); // which gives the focus back, so before anything else wants it
    this.#token = token;
    if (!this.#access.known) remember(KEPT, token, "session"); // else it is asked for again
    this.renewed();
  }

  #leave() {
    remember(KEPT, "", "session");
    if (this.#access.known) window.close(); // the application that opened it would sign in again
    else location.reload();
  }
}
