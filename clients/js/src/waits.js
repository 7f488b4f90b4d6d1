/** Time: how long to wait, and waiting that can be ended. */

const MAX_DELAY_MS = 10_000;

/**
 * How long to wait before a stream is opened again: full jitter over a window that begins with the
 * server's `retry` and doubles, so that the viewers of a dead node do not return together.
 *
 * @param {number} retryMs
 * @param {number} failures  attempts in a row that brought nothing
 * @param {boolean} asked  the server asked to stay away for `retry` (it is full)
 */
export function reconnectDelay(retryMs, failures, asked = false, random = Math.random) {
  return (asked ? retryMs : 0) + random() * Math.min(MAX_DELAY_MS, retryMs * 2 ** failures);
}

/**
 * How long to wait before a request is sent again.
 *
 * @param {number | undefined} retryAfter  seconds, as the reply said
 * @param {number} failures  from 0
 */
export function retryDelay(retryAfter, failures, random = Math.random) {
  const window = Math.min(MAX_DELAY_MS, 500 * 2 ** failures);
  return retryAfter === undefined ? random() * window : retryAfter * 1000 + random() * 1000;
}

/**
 * Resolves after `ms`, or as soon as the signal is aborted.
 *
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function sleep(ms, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
  });
}

/**
 * A signal that ends with another one, or after `ms`; call `done` when it is not needed any more.
 *
 * @param {number} ms
 * @param {AbortSignal} [signal]
 */
export function deadline(ms, signal) {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, ms);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  const done = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  };
  return { signal: controller.signal, done };
}
