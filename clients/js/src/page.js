/** What a browser tells of the page and the network; nothing elsewhere. */

export const isHidden = () => typeof document === "object" && document.hidden;

/**
 * Listens until what it returns is called. `woke`: a network is back, or somebody looks at the page.
 *
 * @param {() => void} woke @param {(isHidden: boolean) => void} hidden
 */
export function watchPage(woke, hidden) {
  if (typeof document !== "object") return () => {};
  const changed = () => {
    hidden(document.hidden);
    if (!document.hidden) woke();
  };
  return listen(window, { visibilitychange: changed, resume: woke, online: woke, pageshow: woke });
}

/** Events of documents come to the window too. @param {EventTarget} target @param {Record<string, () => void>} listeners */
export function listen(target, listeners) {
  // Not all of them bubble, but capturing listeners of the window are called all the same.
  for (const [type, listener] of Object.entries(listeners)) target.addEventListener(type, listener, true);
  return () => {
    for (const [type, listener] of Object.entries(listeners)) target.removeEventListener(type, listener, true);
  };
}
