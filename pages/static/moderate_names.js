/** Names of authors by their ids, as far as this page has seen them; the newest MOST. */

import { shortId } from "./moderate_row.js";

const MOST = 5000;

export class Names {
  /** @type {Map<string, string>} */
  #names = new Map();

  /** @param {import("./index.d.ts").Video} video */
  constructor(video) {
    video.on("comment", (comment) => this.note(comment));
    video.on("restored", ({ comment }) => this.note(comment));
  }

  /** @param {{author_id?: string, author?: string}} comment */
  note({ author_id: id, author }) {
    if (!id || !author) return;
    this.#names.delete(id);
    this.#names.set(id, author);
    for (const first of this.#names.keys()) if (this.#names.size > MOST) this.#names.delete(first);
  }

  /** @param {string} id */
  of(id) {
    return this.#names.get(id) ?? shortId(id);
  }
}
