/** Lists that are drawn again as a whole: the focus stays with its row, or goes to the next one. */

/** @param {HTMLElement} box @param {HTMLElement[]} rows each with its `data-key` */
export function refill(box, rows) {
  const { activeElement: focused } = document;
  const row = box.contains(focused) ? focused?.closest("[data-key]") : null;
  const at = row ? [...box.children].indexOf(row) : -1;
  box.replaceChildren(...rows);
  if (!(row instanceof HTMLElement)) return;
  const next = rows.find(({ dataset: { key } }) => key === row.dataset.key) ?? rows[Math.min(at, rows.length - 1)];
  const target = next?.querySelector("button") ?? box.closest("[tabindex]");
  if (target instanceof HTMLElement) target.focus({ preventScroll: true });
}
