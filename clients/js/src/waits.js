/** How long to wait, and waiting that can be ended. */
const MAX_DELAY_MS = 10_000;

/**
 * Before a stream is opened again: full jitter over a window that begins with the server's `retry`
 * and doubles, so that the viewers of a dead node do not return together. `asked`: the server is
 * full, and asked to stay away for `retry`.
 *
 * @param {number} retryMs @param {number} failures in a row
 */
export function reconnectDelay(retryMs, failures, asked = false, random = Math.random) {
  const window = Math.max(retryMs, Math.min(MAX_DELAY_MS, retryMs * 2 ** failures));
  return (asked ? retryMs : 0) + random() * window;
}

/** Before a request is sent again. @param {number | undefined} retryAfterS @param {number} failures from 0 */
export function retryDelay(retryAfterS, failures, random = Math.random) {
  if (retryAfterS !== undefined) return retryAfterS * 1000 + random() * 1000;
  return random() * Math.min(MAX_DELAY_MS, 500 * 2 ** failures);
}

/** Calls back once: after `ms`, or when the signal is aborted, or never after what it returns is called. @param {number} ms @param {AbortSignal | undefined} signal @param {() => void} call */
export function after(ms, signal, call) {
  const cancel = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", done);
  };
  const done = () => {
    cancel();
    call();
  };
  const timer = setTimeout(done, signal?.aborted ? 0 : ms);
  signal?.addEventListener("abort", done);
  return cancel;
}

/** What a promise gives, unless the signal comes first. @template Given @param {Promise<Given>} promise @param {AbortSignal | undefined} signal @param {() => Error} why it is rejected then @returns {Promise<Given>} */
export function unless(promise, signal, why) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(why());
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    promise.then(resolve, reject).finally(() => signal?.removeEventListener("abort", abort));
  });
}

/** @param {number} ms @param {AbortSignal} [signal] ends it early @returns {Promise<void>} */
export function sleep(ms, signal) {
  return new Promise((resolve) => void after(ms, signal, resolve));
}
