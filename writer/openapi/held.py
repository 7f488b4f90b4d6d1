"""Filters, held comments, audit and export in the description of the API."""

from __future__ import annotations

import json

from screening.terms import MAX_FILTERS_BYTES
from writer.openapi.examples import AT, HELD_ID, comment_example, notice_example
from writer.openapi.fields import AUTHOR_ID, EVENT_ID, EVENT_ID_PATTERN
from writer.openapi.parts import (
    MODERATION_TAG,
    RULES_TAG,
    Json,
    header_references,
    if_match_parameter,
    json_body,
    json_reply,
    limit_parameter,
    parameter,
    token_operation,
)
from writer.openapi.parts import parameter_reference as shared
from writer.openapi.problem_sets import (
    AUDIT,
    DECIDE,
    EXPORT,
    GET_FILTERS,
    LIST_HELD,
    PUT_FILTERS,
    TRY_FILTERS,
)
from writer.openapi.problems import problem_responses

_VIDEO = "/v1/videos/{video_id}"
_TERM = {"term": "badword", "kind": "word", "action": "block"}
_CALL = {
    "at": AT,
    "by": AUTHOR_ID,
    "action": "removal",
    "request_id": "0f8e1c2a-5b1d-4c8e-9d5a-7c1f1f0a2b3c",
    "what": {"seqs": [3], "reason": "spam"},
}
_FILTERS_TEXT = """For moderators: all filters, instead of those that there are. Words and texts are
found however they are spelt; patterns have the syntax of RE2. The change is an entry `settings`:
what is numbered after it was screened by them. Whose comment is blocked is not told the term."""
_TRY_TEXT = (
    """For moderators: what would become of a text, and by which terms. Nothing is posted."""
)
_HELD_TEXT = """For moderators: comments that filters hold, oldest first, ten minutes each; also
those that are approved and not known to be posted."""
_DECIDE_TEXT = """For moderators. The first decision counts, any other is 409 and completes it first
if it was approved and is not posted yet. A comment is posted under the key of its post."""
_AUDIT_TEXT = """For moderators: the calls that change something, newest first, before they are
carried out, and again if they were refused. Not the words of filters."""
_EXPORT_TEXT = """For moderators: the log as it is shown, an entry a line, to what was its head when
it began. A reply that breaks off is read on with `after`, the id of its last line."""


def held_paths() -> Json:
    """Items of `paths`."""
    video = [shared("VideoId")]
    return {
        f"{_VIDEO}/filters": {
            "parameters": video,
            "get": _get_filters(),
            "put": _put_filters(),
        },
        f"{_VIDEO}/filters/test": {"parameters": video, "post": _try_filters()},
        f"{_VIDEO}/held": {"parameters": video, "get": _list_held()},
        f"{_VIDEO}/held/{{held_id}}": {
            "parameters": [*video, shared("HeldId")],
            "post": _decide(),
        },
        f"{_VIDEO}/audit": {
            "parameters": video,
            "get": audit_operation("readAudit", MODERATION_TAG, _AUDIT_TEXT),
        },
        f"{_VIDEO}/export": {"parameters": video, "get": _export()},
    }


def _get_filters() -> Json:
    text = "For moderators."
    return token_operation("getFilters", RULES_TAG, "Read the filters of a video", text) | {
        "responses": {"200": _filters()} | problem_responses(GET_FILTERS)
    }


def _put_filters() -> Json:
    body = json_body("FiltersInput", {"terms": [_TERM]}, limit_kib=MAX_FILTERS_BYTES // 1024)
    return token_operation(
        "replaceFilters", RULES_TAG, "Replace the filters of a video", _FILTERS_TEXT
    ) | {
        "parameters": [if_match_parameter()],
        "requestBody": body,
        "responses": {"200": _filters()} | problem_responses(PUT_FILTERS),
    }


def _filters() -> Json:
    return json_reply("FilterList", "All filters", {"terms": [_TERM]}, "ETag")


def _try_filters() -> Json:
    found = json_reply("Trial", "What would become of it", {"action": "block", "terms": [0]})
    return token_operation("tryFilters", RULES_TAG, "Try the filters on a text", _TRY_TEXT) | {
        "requestBody": json_body("TrialInput", {"text": "a BadWord"}),
        "responses": {"200": found} | problem_responses(TRY_FILTERS),
    }


def _list_held() -> Json:
    held = {"id": HELD_ID, "author": "ann", "text": "hmm", "held_at": AT, "expires_at": AT}
    return token_operation(
        "listHeld", MODERATION_TAG, "Read the comments that wait", _HELD_TEXT
    ) | {
        "parameters": [limit_parameter()],
        "responses": {"200": json_reply("HeldList", "Those that wait", {"held": [held]})}
        | problem_responses(LIST_HELD),
    }


def _decide() -> Json:
    decided = {"id": HELD_ID, "state": "approved", "comment": comment_example()}
    return token_operation(
        "decideHeld", MODERATION_TAG, "Approve or deny a held comment", _DECIDE_TEXT
    ) | {
        "requestBody": json_body("DecisionInput", {"decision": "approve"}),
        "responses": {"200": json_reply("Decision", "What became of it", decided)}
        | problem_responses(DECIDE),
    }


def audit_operation(name: str, tag: str, text: str) -> Json:
    """To read calls: of a video, or of all."""
    cursor = {"type": "string", "pattern": "^[0-9]{1,15}-[0-9]{1,10}$"}
    before = parameter(
        "before", "query", "The member `before` of the page before", cursor, "1790000000000-17"
    )
    page = {"calls": [_CALL], "before": "1790000000000-17", "more": False}
    return token_operation(name, tag, "Read who did what", text) | {
        "parameters": [limit_parameter(), before],
        "responses": {"200": json_reply("AuditPage", "The page", page)} | problem_responses(AUDIT),
    }


def _export() -> Json:
    event_id = {"type": "string", "pattern": EVENT_ID_PATTERN}
    after = parameter("after", "query", "What comes after this event id", event_id, EVENT_ID)
    lines = "".join(json.dumps(entry) + "\n" for entry in (comment_example(), notice_example()))
    reply = {
        "description": "The entries, a line of JSON each",
        "headers": header_references(),
        "content": {"application/x-ndjson": {"schema": {"type": "string"}, "example": lines}},
    }
    return token_operation("exportLog", MODERATION_TAG, "Export the log", _EXPORT_TEXT) | {
        "parameters": [after],
        "responses": {"200": reply} | problem_responses(EXPORT),
    }
