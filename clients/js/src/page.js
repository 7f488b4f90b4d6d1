/** What a browser tells of the page and the network; nothing elsewhere. */

/**
 * @param {object} hooks
 * @param {() => void} hooks.woke  a network is back, or the page, or somebody looks at it again
 * @param {(isHidden: boolean) => void} hooks.hidden
 * @returns {() => void} stops it
 */
export function watchPage({ woke, hidden }) {
  if (typeof document !== "object") return () => {};
  const changed = () => {
    hidden(document.hidden);
    if (!document.hidden) woke();
  };
  document.addEventListener("visibilitychange", changed);
  document.addEventListener("resume", woke);
  addEventListener("online", woke);
  addEventListener("pageshow", woke);
  return () => {
    document.removeEventListener("visibilitychange", changed);
    document.removeEventListener("resume", woke);
    removeEventListener("online", woke);
    removeEventListener("pageshow", woke);
  };
}

export const isHidden = () => typeof document === "object" && document.hidden;
