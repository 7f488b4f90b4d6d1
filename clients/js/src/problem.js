/** Refusals and failures, as one kind of error. */

export class Problem extends Error {
  /**
   * @param {string} code  the server's, or `no_answer`, or `aborted`
   * @param {number} status  of HTTP; 0 where there was no reply
   * @param {{title?: string, detail?: string, field?: string, retryAfter?: number, cause?: unknown}} more
   */
  constructor(code, status, { title = code, detail, field, retryAfter, cause } = {}) {
    super(detail ? `${title}: ${detail}` : title, { cause });
    this.name = "Problem";
    this.code = code;
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.field = field;
    /** Seconds until it is worth trying again. @type {number | undefined} */
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed in a moment, and is safe to send again. */
  get passing() {
    return this.code === "too_many_requests" || [0, 502, 503, 504].includes(this.status);
  }
}

/**
 * What a reply that is no success says.
 *
 * @param {Response} response
 */
export async function problemOf(response) {
  /** @type {any} */
  let told = {};
  try {
    told = await response.json();
  } catch {
    // Not from livecomments: a proxy in between, or a reply that broke off.
  }
  const after = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  const { title, detail, field } = told ?? {};
  return new Problem(told?.code ?? `http_${response.status}`, response.status, {
    title: title ?? response.statusText,
    detail,
    field,
    retryAfter: Number.isFinite(after) ? after : undefined,
  });
}

/** @param {unknown} cause @param {AbortSignal} [signal] the caller's */
export function noAnswer(cause, signal) {
  const code = signal?.aborted ? "aborted" : "no_answer";
  return new Problem(code, 0, { title: "There was no reply", cause });
}
