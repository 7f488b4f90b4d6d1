"""The log and its moderation in the description of the API."""

from __future__ import annotations

from writer.openapi.examples import comment_example, notice_example
from writer.openapi.fields import EVENT_ID, HEAD
from writer.openapi.parts import (
    MODERATION_TAG,
    READER,
    Json,
    json_body,
    json_reply,
    page_parameters,
    token_operation,
)
from writer.openapi.parts import parameter_reference as shared
from writer.openapi.problem_sets import READ_PAGE, REMOVE, REMOVE_ONE, RESTORE
from writer.openapi.problems import problem_responses

MODERATION_TAG_TEXT = """Removing comments and taking that back. Every screen learns of it by an
entry of the video's log; whoever comes later gets a tombstone in the comment's place."""
_VIDEO = "/v1/videos/{video_id}"
_ENTRIES_TEXT = """Comments, tombstones in the place of removed ones, and what was done to them, in
the order of the stream. To be read after a gap, by whoever keeps a copy."""
_DELETE_TEXT = """A moderator may remove every comment, an author the own ones, and gives no reason
then. What is removed already stays so: the reply is the entry that removed it; or 410 to its
author, once the text is destroyed and nobody knows any more whose it was."""
_REMOVE_TEXT = (
    """All of them or none, by one entry. For moderators. To send it again does no harm."""
)
_RESTORE_TEXT = """For moderators, and for as long as the comment is kept. A comment that is not
removed stays as it is."""


def moderation_paths() -> Json:
    """Items of `paths`, beside those of comments."""
    video = shared("VideoId")
    return {
        f"{_VIDEO}/entries": {"parameters": [video], "get": _entries()},
        f"{_VIDEO}/removals": {"parameters": [video], "post": _remove()},
        f"{_VIDEO}/comments/{{seq}}/restore": {
            "parameters": [video, shared("Seq")],
            "post": token_operation(
                "restoreComment", MODERATION_TAG, "Restore a removed comment", _RESTORE_TEXT
            )
            | {
                "responses": {"200": json_reply("Comment", "The comment", comment_example())}
                | problem_responses(RESTORE)
            },
        },
    }


def delete_comment() -> Json:
    """The operation on the path of one comment."""
    return token_operation("removeComment", MODERATION_TAG, "Remove one comment", _DELETE_TEXT) | {
        "responses": {"200": json_reply("Entry", "The entry that removed it", notice_example())}
        | problem_responses(REMOVE_ONE)
    }


def _entries() -> Json:
    page: Json = {"entries": [comment_example(), notice_example()], "more": False}
    page |= {"head": HEAD, "first": EVENT_ID, "last": HEAD}
    return {
        "operationId": "listEntries",
        "tags": [MODERATION_TAG],
        "summary": "Read a page of the log",
        "description": _ENTRIES_TEXT,
        "security": READER,
        "parameters": page_parameters(),
        "responses": {"200": json_reply("EntryPage", "The page", page)}
        | problem_responses(READ_PAGE),
    }


def _remove() -> Json:
    return token_operation(
        "removeComments", MODERATION_TAG, "Remove up to 500 comments", _REMOVE_TEXT
    ) | {
        "requestBody": json_body("RemovalInput", {"seqs": [3], "reason": "spam"}),
        "responses": {
            "200": json_reply("NoticeList", "What removed them", {"notices": [notice_example()]})
        }
        | problem_responses(REMOVE),
    }
