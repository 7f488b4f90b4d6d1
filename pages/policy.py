"""What a browser may do with a page of ours: run our files, ask our origin, and nothing else.

Invariants: no page runs or styles anything that stands in its own document, whatever a comment says
(there is no 'unsafe-inline'); text becomes markup nowhere (trusted types, with no policy that could
make any); only who is named may frame a page.
"""

from __future__ import annotations

from collections.abc import Iterable

_NONE = "'none'"
_ALLOWED = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
_REVALIDATE = {"Cache-Control": "no-cache"}
_FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable"}


def document_headers(framed_by: Iterable[str], *, opened_by_others: bool = False) -> dict[str, str]:
    """Of a page that `framed_by` may frame; nobody if that is empty. opened_by_others: a page of
    another origin that opens it keeps a handle, to give it a token by a message.
    """
    sources = tuple(framed_by)
    policy = "; ".join([*_ALLOWED, f"frame-ancestors {' '.join(sources) or _NONE}"])
    headers = {**_REVALIDATE, "Referrer-Policy": "no-referrer", "Content-Security-Policy": policy}
    if not sources:
        headers["X-Frame-Options"] = "DENY"
    if not sources and not opened_by_others:
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return headers


def asset_headers(*, for_good: bool) -> dict[str, str]:
    """Of a file under `/assets/`. Other origins do not load it as theirs."""
    kept = _FOR_GOOD if for_good else _REVALIDATE
    return {**kept, "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin"}


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether a request's `Accept-Encoding` takes gzip (RFC 9110, section 12.5.3)."""
    for item in accept_encoding.lower().split(","):
        coding, _, weight = item.partition(";")
        if coding.strip() in ("gzip", "*"):
            name, _, value = weight.partition("=")
            return name.strip() != "q" or value.strip().strip("0.") != ""
    return False
