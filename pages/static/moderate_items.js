/** Comments of the log as moderators see them, and lists of them in order. */

/** @typedef {import("./index.d.ts").Comment} Comment */
/** @typedef {import("./moderate_removals.js").Gone} Gone */
/** @typedef {{key: string, comment: Comment, pending: boolean, gone: Gone | null, blank: boolean}} LogItem */
/** @typedef {{added: Set<LogItem>, removed: Set<LogItem>, updated: Set<LogItem>, reset: boolean}} Changes */

/** @param {Comment} comment @returns {LogItem} */
export function itemOf(comment) {
  return { key: comment.id, comment, pending: false, gone: null, blank: false };
}

/** What was removed before we came. @param {number} seq @param {string} at @param {Gone} gone @returns {LogItem} */
export function blank(seq, at, gone) {
  const comment = { id: "", video_id: "", seq, author: "", text: "", created_at: at };
  return { key: `gone-${seq}`, comment, pending: false, gone, blank: true };
}

/** Almost always at the end. @param {LogItem[]} items in order @param {LogItem} item */
export function insert(items, item) {
  let at = items.length;
  while (at > 0 && items[at - 1].comment.seq > item.comment.seq) at--;
  items.splice(at, 0, item);
}

/** The number in an event id. @param {string} id */
export const seqOf = (id) => Number(id.slice(id.lastIndexOf("-") + 1));

/** @returns {Changes} */
export function noChanges() {
  return { added: new Set(), removed: new Set(), updated: new Set(), reset: false };
}
