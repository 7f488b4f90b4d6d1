/** The page's token: whoever is refused first asks for another one, the others wait for the same. */
import { Problem } from "./problem.js";
/** @import {Options} from "./types.d.ts" */

/** @type {Record<string, "missing" | "expired" | "invalid">} */
const WHY = {
  token_missing: "missing",
  ticket_missing: "missing",
  token_expired: "expired",
  token_invalid: "invalid",
};

const A_TOKEN = /^[\x21-\x7e]+$/;

export class Token {
  #get;
  /** @type {Promise<string | null> | undefined} */
  #kept;

  /** @param {Options["getToken"]} get */
  constructor(get) {
    this.#get = get;
  }

  /** null: there is none. */
  first() {
    return (this.#kept ??= this.#ask("missing"));
  }

  /** Another one than what was refused for this; undefined if it was not refused for itself. @param {Promise<string | null> | undefined} refused @param {string} code */
  instead(refused, code) {
    if (!WHY[code] || !this.#get) return undefined;
    if (this.#kept === refused) this.#kept = this.#ask(WHY[code]);
    return this.#kept;
  }

  /** @param {"missing" | "expired" | "invalid"} reason */
  async #ask(reason) {
    await undefined; // so that what is thrown below finds this promise kept
    try {
      const token = (await this.#get?.({ reason })) || null;
      if (token && !(typeof token === "string" && A_TOKEN.test(token))) throw new TypeError("no token: it cannot be sent in a header");
      return token;
    } catch (cause) {
      this.#kept = undefined; // asked again for the next request
      throw new Problem("no_token", 0, { title: "The page could not give a token", cause });
    }
  }
}
