/** Refusals and failures, as one kind of error. See index.d.ts. */
const AGAIN_LATER = [408, 425, 429]; // of something in between: our own say more by their `code`

export class Problem extends Error {
  /** Of the post that it is about. @type {string | undefined} */
  key;

  /** @param {string} code @param {number} status @param {import("./types.d.ts").ProblemDetails} [more] */
  constructor(code, status, { title = code, detail, field, retryAfter, cause } = {}) {
    super(detail ? `${title}: ${detail}` : title, { cause });
    this.name = "Problem";
    this.code = code;
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.field = field;
    this.retryAfter = retryAfter;
  }

  get passing() {
    if (this.code === "aborted") return false;
    return this.code === "too_many_requests" || [0, 502, 503, 504].includes(this.status);
  }
}

/** Whether it will not change by itself, however often somebody asks. @param {unknown} error */
export function isLasting(error) {
  if (!(error instanceof Problem)) return false;
  return error.status >= 400 && error.status < 500 && !AGAIN_LATER.includes(error.status);
}

/** What a reply that is no success says. @param {Response} response */
export async function problemOf(response) {
  // Without a document it is not from livecomments, but from something in between.
  const told = (await response.json().catch(() => null)) ?? {};
  const after = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  return new Problem(told.code ?? `http_${response.status}`, response.status, {
    title: told.title ?? response.statusText,
    detail: told.detail,
    field: told.field,
    retryAfter: Number.isFinite(after) ? after : undefined,
  });
}
