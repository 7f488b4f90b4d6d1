"""Problem documents (RFC 9457) made from our errors: one wire format for aiohttp's replies, the
streams' and the gateway's own, and for the examples in the OpenAPI document.
"""

from __future__ import annotations

import msgspec

from wire.errors import LivecommentsError

CONTENT_TYPE = "application/problem+json"


def encode_problem(error: LivecommentsError) -> bytes:
    """The problem document of an error, as JSON bytes."""
    document: dict[str, object] = {
        "type": "about:blank",
        "title": error.title,
        "status": error.status,
        "code": error.code,
    }
    if error.detail:
        document["detail"] = error.detail
    document.update(error.members)
    return msgspec.json.encode(document)


def problem_headers(error: LivecommentsError) -> dict[str, str]:
    """The headers that belong to the document of an error."""
    return {**error.headers, "Content-Type": CONTENT_TYPE}
