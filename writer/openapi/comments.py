"""Posting and reading comments in the description of the API."""

from __future__ import annotations

from wire.comment import MAX_KEY
from writer.openapi.examples import AT, HELD_ID, comment_example
from writer.openapi.fields import EVENT_ID, HEAD, TICKET, VIDEO_ID
from writer.openapi.moderation import delete_comment
from writer.openapi.parts import (
    READER,
    TOKEN,
    Json,
    json_body,
    json_reply,
    page_parameters,
    parameter,
    parameter_reference,
)
from writer.openapi.problem_sets import ISSUE, POST, READ_ONE, READ_PAGE, READ_VIEWERS
from writer.openapi.problems import problem_responses

# Printable ASCII; a space at an end is not part of a header's value (RFC 9110, 5.5).
_KEY = r"^[!-~]([ -~]*[!-~])?$"
_COMMENTS = "/v1/videos/{video_id}/comments"
_POST_TEXT = """Send an `Idempotency-Key`. If there is no reply, or one of 500 to 504, send the same
request again with the same key: the comment is then stored once, whatever happened the first time.
A key is kept for 24 hours, for each video.

With a token the author is the name in it, and the comment has the author's id. Whether a post needs
a token is a setting of the server, and of the video.

A comment is decided by the settings, sanctions and filters of the video, as they are where it gets
its number. An idempotency key comes first: what is stored is not decided again."""
_PAGE_TEXT = """Without `after` and `before`: the newest comments. With one of them, never both: the
comments next to that event id. A page begins with its oldest comment. Removed comments are left
out: to read on, go by `first`, `last` and `more`."""
_TICKET_TEXT = """For whoever may read the video: anybody with a token, but whose token has
`lc.roles` needs one of them here. The ticket is part of the URL of a stream, which sends no
headers; keep it as secret as a token."""

_VIEWERS_TEXT = """How many streams of the video are open, on all nodes, at most 6 seconds ago; the
stream tells it too. Not known for some seconds after a server began, and while the servers of the
viewers do not reach it: then `counts_unknown`; ask again. 404 where the server does not publish
it."""


def comment_paths() -> Json:
    """Items of `paths`."""
    video, seq = parameter_reference("VideoId"), parameter_reference("Seq")
    return {
        _COMMENTS: {"parameters": [video], "post": _post(), "get": _page()},
        f"{_COMMENTS}/{{seq}}": {
            "parameters": [video, seq],
            "get": _one(),
            "delete": delete_comment(),
        },
        "/v1/videos/{video_id}/tickets": {"parameters": [video], "post": _ticket()},
        "/v1/videos/{video_id}/viewers": {"parameters": [video], "get": _viewers()},
    }


def _post() -> Json:
    key = {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": _KEY}
    key_text = "Makes the post safe to retry: 1 to 128 printable ASCII characters"
    created = json_reply("Comment", "Stored on disk", comment_example(), "Location")
    created["links"] = {"stored": _link("getComment", "seq"), "history": _link("listComments")}
    replayed = json_reply(
        "Comment",
        "The key was used before with the same author and text: the comment of that post",
        comment_example(),
        "Idempotency-Replayed",
    )
    return {
        "operationId": "postComment",
        "tags": ["comments"],
        "summary": "Post a comment",
        "description": _POST_TEXT,
        "security": [{}, {TOKEN: []}],
        "parameters": [parameter("Idempotency-Key", "header", key_text, key, "5f1c-17")],
        "requestBody": json_body("CommentInput", {"author": "ann", "text": "hi"}),
        "responses": {"200": replayed, "201": created, "202": _held()} | problem_responses(POST),
    }


def _page() -> Json:
    page: Json = {"comments": [comment_example()], "head": HEAD}
    page |= {"first": EVENT_ID, "last": HEAD, "more": False}
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
    ticket = {"ticket": TICKET, "expires_at": "2026-11-24T05:43:01.000Z"}
    return {
        "operationId": "createTicket",
        "tags": ["streams"],
        "summary": "Get a ticket to read a video",
        "description": _TICKET_TEXT,
        "security": [{TOKEN: []}],
        "responses": {"200": json_reply("Ticket", "The ticket", ticket)} | problem_responses(ISSUE),
    }


def _viewers() -> Json:
    viewers = {"video_id": VIDEO_ID, "now": 12, "peak": 40}
    return {
        "operationId": "getViewers",
        "tags": ["streams"],
        "summary": "Ask how many watch",
        "description": _VIEWERS_TEXT,
        "security": READER,
        "responses": {"200": json_reply("VideoViewers", "How many watch", viewers)}
        | problem_responses(READ_VIEWERS),
    }


def _one() -> Json:
    return {
        "operationId": "getComment",
        "tags": ["comments"],
        "summary": "Read one comment",
        "description": "The comment with this number, as long as it is stored.",
        "security": READER,
        "responses": {"200": json_reply("Comment", "The comment", comment_example())}
        | problem_responses(READ_ONE),
    }


def _link(operation: str, *more: str) -> Json:
    names = ("video_id", *more)
    return {
        "operationId": operation,
        "description": "The comment itself" if more else "The history of its video",
        "parameters": {name: f"$response.body#/{name}" for name in names},
    }


def _held() -> Json:
    return json_reply(
        "HeldNotice",
        "The video's filters hold it for a moderator: it is not numbered and not shown. A retry"
        " with the same key finds it, and later the comment",
        {"held": HELD_ID, "expires_at": AT},
    )
