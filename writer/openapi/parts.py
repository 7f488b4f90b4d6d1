"""Parameters and headers of the description, and how they are written and referred to."""

from __future__ import annotations

from typing import Any

from wire.ids import MAX_SEQ
from writer.openapi.examples import HELD_ID
from writer.openapi.fields import (
    AUTHOR_ID,
    AUTHOR_ID_PATTERN,
    EVENT_ID,
    EVENT_ID_PATTERN,
    VIDEO_ID,
    VIDEO_ID_PATTERN,
)

Json = dict[str, Any]

SCHEMAS = "#/components/schemas/"
TOKEN = "BearerToken"  # noqa: S105 - the name of the scheme
TICKET = "ReadTicket"
MODERATION_TAG, RULES_TAG, SITE_TAG = "moderation", "rules", "site"
# Of what is read: by anybody, or with one of these, as the server is set.
READER: list[Json] = [{}, {TOKEN: []}, {TICKET: []}]

# A header's name on the wire: its name among the components.
_COMPONENTS = {
    "X-Request-Id": "RequestId",
    "Retry-After": "RetryAfter",
    "Idempotency-Replayed": "IdempotencyReplayed",
    "WWW-Authenticate": "WwwAuthenticate",
    "ETag": "EntityTag",
}


def parameter(name: str, place: str, text: str, schema: Json, example: object) -> Json:
    """A parameter; what is in the path is required, and nothing else."""
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": text,
        "schema": schema,
        "example": example,
    }


def parameter_reference(name: str) -> Json:
    """One of the parameters that operations share."""
    return {"$ref": f"#/components/parameters/{name}"}


def page_parameters() -> list[Json]:
    """Those of an operation that reads a page."""
    event_id = {"type": "string", "pattern": EVENT_ID_PATTERN}
    before = "What comes before this event id, nearest to it"
    return [
        limit_parameter(),
        parameter("after", "query", "What comes after this event id", event_id, EVENT_ID),
        parameter("before", "query", before, event_id, EVENT_ID),
    ]


def token_operation(name: str, tag: str, summary: str, text: str) -> Json:
    """The beginning of an operation that needs a token."""
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "description": text,
        "security": [{TOKEN: []}],
    }


def json_body(schema: str, example: Json, *, limit_kib: int = 16, required: bool = True) -> Json:
    """A request's body of one of the schemas."""
    return {
        "required": required,
        "description": f"UTF-8, at most {limit_kib} KiB",
        "content": json_content(schema, example),
    }


def if_match_parameter() -> Json:
    """The version that something must have before it is changed."""
    tag = {"type": "string", "pattern": r'^("[0-9]{1,15}"|\*)$'}
    text = "Only if it has this `ETag`, as it was read; else 412"
    return parameter("If-Match", "header", text, tag, '"3"')


def limit_parameter() -> Json:
    """How many of something a page has."""
    limit = {"type": "integer", "format": "int32", "minimum": 1, "maximum": 200, "default": 50}
    return parameter("limit", "query", "How many at most", limit, 50)


def json_content(schema: str, example: Json) -> Json:
    """A body of one of the schemas."""
    return {"application/json": {"schema": {"$ref": SCHEMAS + schema}, "example": example}}


def json_reply(schema: str, text: str, example: Json, *headers: str) -> Json:
    """A response of one of the schemas."""
    return {
        "description": text,
        "headers": header_references(*headers),
        "content": json_content(schema, example),
    }


def header_references(*names: str) -> Json:
    """Headers of a response: the request id, and those named as on the wire."""
    return {
        name: {"$ref": f"#/components/headers/{_COMPONENTS.get(name, name)}"}
        for name in ("X-Request-Id", *names)
    }


def shared_parameters() -> Json:
    """The parameters that operations share."""
    video_id = {"type": "string", "pattern": VIDEO_ID_PATTERN}
    seq = {"type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_SEQ}
    author_id = {"type": "string", "pattern": AUTHOR_ID_PATTERN}
    held_id = {"type": "string", "pattern": "^h_[0-9a-f]{32}$"}
    return {
        "VideoId": parameter("video_id", "path", "The video", video_id, VIDEO_ID),
        "Seq": parameter("seq", "path", "The comment's number in its video", seq, 3),
        "AuthorId": parameter("author_id", "path", "The author", author_id, AUTHOR_ID),
        "HeldId": parameter("held_id", "path", "The held comment", held_id, HELD_ID),
    }


def shared_headers() -> Json:
    """The headers that responses share."""
    return {
        "RequestId": _header(
            "The id of the request, from its header or new; name it when you report a problem",
            {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
            "0f8e1c2a-5b1d-4c8e-9d5a-7c1f1f0a2b3c",
        ),
        "RetryAfter": _header(
            "Seconds after which a retry may succeed", {"type": "integer", "minimum": 0}, 1
        ),
        "WwwAuthenticate": _header(
            "How to authenticate (RFC 6750)",
            {"type": "string"},
            'Bearer error="invalid_token"',
        ),
        "Allow": _header("The methods that the path has", {"type": "string"}, "GET, HEAD, POST"),
        "Location": _header(
            "Where the comment can be read",
            {"type": "string", "format": "uri-reference"},
            f"/v1/videos/{VIDEO_ID}/comments/3",
        ),
        "EntityTag": _header("The version of this, for `If-Match`", {"type": "string"}, '"3"'),
        "IdempotencyReplayed": _header(
            "Says that this comment was stored by an earlier request",
            {"type": "string", "enum": ["true"]},
            "true",
        ),
    }


def _header(text: str, schema: Json, example: object) -> Json:
    return {"description": text, "required": True, "schema": schema, "example": example}
