"""The OpenAPI 3.1 description of the public API, made from the types that the code uses.

Others generate clients from it, so it keeps to what their generators understand: see
`writer/openapi/types.py` for names, `writer/openapi/stream.py` for why the stream is no path.
`tests/clients/openapi_clients.py` generates clients in several languages and uses them.
"""

from __future__ import annotations

from functools import cache

import msgspec

from wire.comment import MAX_KEY
from writer.openapi import types
from writer.openapi.parts import (
    Json,
    header_references,
    parameter,
    parameter_reference,
    shared_headers,
    shared_parameters,
)
from writer.openapi.problems import (
    POST,
    READ_ONE,
    READ_PAGE,
    codes,
    problem_responses,
)
from writer.openapi.stream import STREAM_PATH, STREAM_TAG_TEXT, stream_path_item

_REF = "#/components/schemas/"
# Printable ASCII; a space at an end is not part of a header's value (RFC 9110, 5.5).
_KEY = r"^[!-~]([ -~]*[!-~])?$"
_COMMENTS = "/v1/videos/{video_id}/comments"
_KINDS = (
    types.CommentInput,
    types.Comment,
    types.CommentPage,
    types.Problem,
    types.HelloEvent,
    types.GapEvent,
    types.ResetEvent,
    types.ByeEvent,
)
_ABOUT = """Comments on live video, in order and without loss.

Errors are problem documents (RFC 9457); programs read `code`. Later versions may add members to
replies, and codes to problems: ignore what you do not know. `HEAD` works where `GET` does."""
_TAGS = [
    {"name": "comments", "description": "Posting comments, and the history of a video."},
    {"name": "streams", "description": STREAM_TAG_TEXT},
]
_POST_TEXT = """Send an `Idempotency-Key`. If there is no reply, or one of 500 to 504, send the same
request again with the same key: the comment is then stored once, whatever happened the first time.
A key is kept for 24 hours, for each video.

With a token the author is the name in it, and the comment has the author's id. Whether a post needs
a token is a setting of the server."""
_TOKEN = "BearerToken"  # noqa: S105 - the name of the scheme
_PAGE_TEXT = """Without `after` and `before`: the newest comments. With one of them, never both: the
comments next to that event id. A page begins with its oldest comment."""


@cache
def openapi_document() -> bytes:
    """The document as JSON bytes; made once."""
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "livecomments",
                "version": "1",
                "summary": "Comments on live video",
                "description": _ABOUT,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            # Relative: whoever fetched this knows the origin, and we cannot: there are gateways,
            # ports and names in front of us.
            "servers": [{"url": "/", "description": "The origin that this document came from"}],
            "security": [],
            "tags": _TAGS,
            "paths": _paths(),
            "components": {
                "schemas": _schemas(),
                "parameters": shared_parameters(),
                "headers": shared_headers(),
                "securitySchemes": {_TOKEN: _bearer()},
            },
            "x-event-streams": {STREAM_PATH: stream_path_item()},
        }
    )


def _bearer() -> Json:
    return {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A signed token of an issuer that the server knows (RFC 6750)",
    }


def _schemas() -> Json:
    _, schemas = msgspec.json.schema_components(_KINDS, ref_template=_REF + "{name}")
    for name in schemas.keys() - {"CommentInput"}:
        # The default, but some generators take silence for a prohibition.
        schemas[name]["additionalProperties"] = True
    schemas["Problem"]["properties"]["code"] = {"$ref": _REF + "ProblemCode"}
    schemas["ProblemCode"] = {
        "title": "ProblemCode",
        "type": "string",
        "description": "What went wrong. Later versions may add codes: go by the status then.",
        "enum": codes(),
        "examples": ["invalid_field"],
    }
    return schemas


def _paths() -> Json:
    video, seq = parameter_reference("VideoId"), parameter_reference("Seq")
    return {
        _COMMENTS: {"parameters": [video], "post": _post(), "get": _page()},
        f"{_COMMENTS}/{{seq}}": {"parameters": [video, seq], "get": _one()},
    }


def _post() -> Json:
    key = {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": _KEY}
    key_text = "Makes the post safe to retry: 1 to 128 printable ASCII characters"
    created = _json("Comment", "Stored on disk", _comment(), "Location")
    created["links"] = {"stored": _link("getComment", "seq"), "history": _link("listComments")}
    replayed = _json(
        "Comment",
        "The key was used before with the same author and text: the comment of that post",
        _comment(),
        "Idempotency-Replayed",
    )
    return {
        "operationId": "postComment",
        "tags": ["comments"],
        "summary": "Post a comment",
        "description": _POST_TEXT,
        "security": [{}, {_TOKEN: []}],
        "parameters": [parameter("Idempotency-Key", "header", key_text, key, "5f1c-17")],
        "requestBody": {
            "required": True,
            "description": "UTF-8, at most 16 KiB",
            "content": _content("CommentInput", {"author": "ann", "text": "hi"}),
        },
        "responses": {"200": replayed, "201": created} | problem_responses(POST),
    }


def _page() -> Json:
    event_id = {"type": "string", "pattern": types.EVENT_ID_PATTERN}
    limit = {"type": "integer", "format": "int32", "minimum": 1, "maximum": 200, "default": 50}
    before = "Comments before this event id, those nearest to it"
    page = {"comments": [_comment()], "head": types.HEAD}
    return {
        "operationId": "listComments",
        "tags": ["comments"],
        "summary": "Read a page of the history",
        "description": _PAGE_TEXT,
        "parameters": [
            parameter("limit", "query", "How many comments at most", limit, 50),
            parameter("after", "query", "Comments after this event id", event_id, types.EVENT_ID),
            parameter("before", "query", before, event_id, types.EVENT_ID),
        ],
        "responses": {"200": _json("CommentPage", "The page", page)} | problem_responses(READ_PAGE),
    }


def _one() -> Json:
    return {
        "operationId": "getComment",
        "tags": ["comments"],
        "summary": "Read one comment",
        "description": "The comment with this number, as long as it is stored.",
        "responses": {"200": _json("Comment", "The comment", _comment())}
        | problem_responses(READ_ONE),
    }


def _comment() -> Json:
    return {
        "id": types.EVENT_ID,
        "video_id": types.VIDEO_ID,
        "seq": 3,
        "author": "ann",
        "text": "hi",
        "created_at": "2026-11-24T01:43:01.132Z",
    }


def _link(operation: str, *more: str) -> Json:
    names = ("video_id", *more)
    return {
        "operationId": operation,
        "description": "The comment itself" if more else "The history of its video",
        "parameters": {name: f"$response.body#/{name}" for name in names},
    }


def _content(schema: str, example: Json) -> Json:
    return {"application/json": {"schema": {"$ref": _REF + schema}, "example": example}}


def _json(schema: str, text: str, example: Json, *headers: str) -> Json:
    return {
        "description": text,
        "headers": header_references(*headers),
        "content": _content(schema, example),
    }
