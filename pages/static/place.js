/** Where this page is: which video it is about, and who may have put it into a frame. */

/**
 * The video of `/embed/{video}` and the like.
 * @returns {string}
 */
export function videoId() {
  return location.pathname.split("/")[2] ?? "";
}

/**
 * The page that frames this one, or null.
 * @returns {Window | null}
 */
export function embedder() {
  return window.parent === window ? null : window.parent;
}

/**
 * Whether a message from `origin` counts: the sources of the page's own frame-ancestors, which the
 * server has written into the document.
 * @param {string} origin
 * @returns {boolean}
 */
export function mayFrame(origin) {
  const meta = document.querySelector('meta[name="livecomments-origins"]');
  const sources = (meta?.getAttribute("content") ?? "").split(" ").filter(Boolean);
  return sources.some((source) => {
    if (source === "*") return true;
    if (source === "'self'") return origin === location.origin;
    if (!source.endsWith(":*")) return origin === source;
    const anyPort = source.slice(0, -2);
    return origin === anyPort || (origin.startsWith(`${anyPort}:`) && /^\d+$/.test(origin.slice(anyPort.length + 1)));
  });
}
