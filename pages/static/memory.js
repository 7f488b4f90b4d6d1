/**
 * What a page remembers in this browser. A frame of another site may have no storage: then it
 * remembers until it is closed.
 */

const PREFIX = "livecomments:";

/** @type {Map<string, string>} */
const held = new Map();

/**
 * @param {"local" | "session"} kind for good, or for as long as the tab
 * @returns {Storage | null}
 */
function area(kind) {
  try {
    return kind === "local" ? window.localStorage : window.sessionStorage;
  } catch {
    return null;
  }
}

/**
 * The value that was kept under this name, or "".
 * @param {string} name
 * @param {"local" | "session"} [kind]
 * @returns {string}
 */
export function recall(name, kind = "local") {
  try {
    return area(kind)?.getItem(PREFIX + name) ?? held.get(name) ?? "";
  } catch {
    return held.get(name) ?? "";
  }
}

/**
 * Keep a value under this name; "" forgets it.
 * @param {string} name
 * @param {string} value
 * @param {"local" | "session"} [kind]
 */
export function remember(name, value, kind = "local") {
  held.set(name, value);
  try {
    if (value) area(kind)?.setItem(PREFIX + name, value);
    else area(kind)?.removeItem(PREFIX + name);
  } catch {
    // It is full, or forbidden: `held` has it.
  }
}
