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
from writer.openapi.moderation import (
    MODERATION_TAG,
    MODERATION_TAG_TEXT,
    delete_comment,
    moderation_paths,
)
from writer.openapi.parts import (
    READER,
    SCHEMAS,
    TICKET,
    TOKEN,
    Json,
    json_content,
    json_reply,
    page_parameters,
    parameter,
    parameter_reference,
    shared_headers,
    shared_parameters,
)
from writer.openapi.problems import (
    ISSUE,
    POST,
    READ_ONE,
    READ_PAGE,
    codes,
    problem_responses,
)
from writer.openapi.stream import STREAM_PATH, STREAM_TAG_TEXT, stream_path_item

# Printable ASCII; a space at an end is not part of a header's value (RFC 9110, 5.5).
_KEY = r"^[!-~]([ -~]*[!-~])?$"
_COMMENTS = "/v1/videos/{video_id}/comments"
_KINDS = (
    types.CommentInput,
    types.Comment,
    types.CommentPage,
    types.EntryPage,
    types.RemovalInput,
    types.NoticeList,
    types.Ticket,
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
    {"name": MODERATION_TAG, "description": MODERATION_TAG_TEXT},
    {"name": "streams", "description": STREAM_TAG_TEXT},
]
_POST_TEXT = """Send an `Idempotency-Key`. If there is no reply, or one of 500 to 504, send the same
request again with the same key: the comment is then stored once, whatever happened the first time.
A key is kept for 24 hours, for each video.

With a token the author is the name in it, and the comment has the author's id. Whether a post needs
a token is a setting of the server."""
_PAGE_TEXT = """Without `after` and `before`: the newest comments. With one of them, never both: the
comments next to that event id. A page begins with its oldest comment. Removed comments are left
out: to read on, go by `first`, `last` and `more`."""


_TICKET_TEXT = """For whoever may read the video: anybody with a token, but whose token has
`lc.roles` needs one of them here. The ticket is part of the URL of a stream, which sends no
headers; keep it as secret as a token."""


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
                "securitySchemes": {TOKEN: _bearer(), TICKET: _ticket_scheme()},
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


def _ticket_scheme() -> Json:
    return {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "A ticket for this video, from `createTicket`",
    }


def _schemas() -> Json:
    _, schemas = msgspec.json.schema_components(_KINDS, ref_template=SCHEMAS + "{name}")
    for name in schemas.keys() - {"CommentInput", "RemovalInput"}:
        # The default, but some generators take silence for a prohibition.
        schemas[name]["additionalProperties"] = True
    schemas["Problem"]["properties"]["code"] = {"$ref": SCHEMAS + "ProblemCode"}
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
        f"{_COMMENTS}/{{seq}}": {
            "parameters": [video, seq],
            "get": _one(),
            "delete": delete_comment(),
        },
        "/v1/videos/{video_id}/tickets": {"parameters": [video], "post": _ticket()},
    } | moderation_paths()


def _post() -> Json:
    key = {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": _KEY}
    key_text = "Makes the post safe to retry: 1 to 128 printable ASCII characters"
    created = json_reply("Comment", "Stored on disk", types.comment_example(), "Location")
    created["links"] = {"stored": _link("getComment", "seq"), "history": _link("listComments")}
    replayed = json_reply(
        "Comment",
        "The key was used before with the same author and text: the comment of that post",
        types.comment_example(),
        "Idempotency-Replayed",
    )
    return {
        "operationId": "postComment",
        "tags": ["comments"],
        "summary": "Post a comment",
        "description": _POST_TEXT,
        "security": [{}, {TOKEN: []}],
        "parameters": [parameter("Idempotency-Key", "header", key_text, key, "5f1c-17")],
        "requestBody": {
            "required": True,
            "description": "UTF-8, at most 16 KiB",
            "content": json_content("CommentInput", {"author": "ann", "text": "hi"}),
        },
        "responses": {"200": replayed, "201": created} | problem_responses(POST),
    }


def _page() -> Json:
    page: Json = {"comments": [types.comment_example()], "head": types.HEAD}
    page |= {"first": types.EVENT_ID, "last": types.HEAD, "more": False}
    return {
        "operationId": "listComments",
        "tags": ["comments"],
        "summary": "Read a page of the history",
        "description": _PAGE_TEXT,
        "security": READER,
        "parameters": page_parameters(),
        "responses": {"200": json_reply("CommentPage", "The page", page)}
        | problem_responses(READ_PAGE),
    }


def _ticket() -> Json:
    ticket = {"ticket": types.TICKET, "expires_at": "2026-11-24T05:43:01.000Z"}
    return {
        "operationId": "createTicket",
        "tags": ["streams"],
        "summary": "Get a ticket to read a video",
        "description": _TICKET_TEXT,
        "security": [{TOKEN: []}],
        "responses": {"200": json_reply("Ticket", "The ticket", ticket)} | problem_responses(ISSUE),
    }


def _one() -> Json:
    return {
        "operationId": "getComment",
        "tags": ["comments"],
        "summary": "Read one comment",
        "description": "The comment with this number, as long as it is stored.",
        "security": READER,
        "responses": {"200": json_reply("Comment", "The comment", types.comment_example())}
        | problem_responses(READ_ONE),
    }


def _link(operation: str, *more: str) -> Json:
    names = ("video_id", *more)
    return {
        "operationId": operation,
        "description": "The comment itself" if more else "The history of its video",
        "parameters": {name: f"$response.body#/{name}" for name in names},
    }
