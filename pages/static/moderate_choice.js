/**
 * One row of a list at a time: it has the focus while somebody goes through the list with keys, and
 * stays chosen when the focus goes to a button elsewhere.
 */

export class Choice {
  #box;
  #changed;
  /** @type {HTMLElement | null} */
  #row = null;

  /** @param {HTMLElement} box whose children with the class `comment` are the rows @param {() => void} changed */
  constructor(box, changed) {
    this.#box = box;
    this.#changed = changed;
    box.addEventListener("click", ({ target }) => {
      const row = target instanceof Element ? target.closest(".comment") : null;
      if (row instanceof HTMLElement && row.parentElement === box) this.choose(row);
    });
  }

  get row() {
    return this.#row;
  }

  get rows() {
    return /** @type {HTMLElement[]} */ ([...this.#box.querySelectorAll(":scope > .comment")]);
  }

  /** @param {HTMLElement} row */
  choose(row) {
    this.#mark(row);
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  /** The next one, or the one before; from nowhere it is `first`. @param {number} by @param {number} first as of `at` */
  move(by, first) {
    const { rows } = this;
    const next = this.#row ? rows[rows.indexOf(this.#row) + by] : rows.at(first);
    if (next) this.choose(next);
    return next !== undefined;
  }

  clear() {
    if (this.#row && this.#box.contains(document.activeElement)) this.#box.focus({ preventScroll: true });
    this.#mark(null);
  }

  /** The row is gone: the focus does not go with it. */
  check() {
    if (!this.#row || this.#row.isConnected) return;
    this.#mark(null);
    if (document.activeElement === document.body) this.#box.focus({ preventScroll: true });
  }

  /** @param {HTMLElement | null} row */
  #mark(row) {
    if (row === this.#row) return;
    this.#row?.removeAttribute("aria-current");
    this.#row = row;
    row?.setAttribute("aria-current", "true");
    this.#changed();
  }
}
