/**
 * Lists that are drawn again as a whole. What has not changed stays the same element, so that a key or a click
 * that is half done is not lost; the focus stays with its row, or goes to the next one.
 */

/** @param {HTMLElement} box @param {HTMLElement[]} rows each with its `data-key` */
export function refill(box, rows) {
  const { activeElement: focused } = document;
  const before = /** @type {HTMLElement[]} */ ([...box.children]);
  const at = before.findIndex((row) => row.contains(focused));
  const shown = rows.map((each) => {
    const known = before.find(({ dataset: { key } }) => key === each.dataset.key);
    return known ? renew(known, each) : each;
  });
  for (const each of before) if (!shown.includes(each)) each.remove();
  shown.forEach((each, at) => box.children[at] === each || box.insertBefore(each, box.children[at] ?? null));
  if (at < 0 || box.contains(document.activeElement)) return;
  const next = shown.includes(before[at]) ? before[at] : shown[Math.min(at, shown.length - 1)];
  const target = next?.querySelector("button") ?? box.closest("[tabindex]");
  if (target instanceof HTMLElement) target.focus({ preventScroll: true });
}

/** The row as it was, with those parts of the new one that look another way. @param {HTMLElement} known @param {HTMLElement} row */
function renew(known, row) {
  [...row.children].forEach((part, at) => {
    if (!known.children[at].isEqualNode(part)) known.children[at].replaceWith(part);
  });
  return known;
}
