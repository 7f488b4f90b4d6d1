"""The OpenAPI 3.1 description of the public API, made from the types that the code uses.

The stream is served by the nodes, but it is one API and one origin to its users.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from wire.comment import MAX_AUTHOR, MAX_KEY, MAX_TEXT, Comment, NewComment
from wire.problem import CONTENT_TYPE as PROBLEM_TYPE
from wire.problem import Problem
from wire.sse import CONTENT_TYPE as STREAM_TYPE
from writer.openapi_types import ByeEvent, GapEvent, HelloEvent, HistoryPage, ResetEvent

_REF = "#/components/schemas/"
_VIDEO_ID = "^[A-Za-z0-9_-]{1,64}$"
_EVENT_ID = "^[a-z0-9]{12}-(0|[1-9][0-9]{0,14})$"
# Some character that can be seen, and no control character but tab and newline. Sufficient, not
# necessary: white space at both ends is trimmed before anything is counted.
_SEEN = r"[^\s\x00-\x1f\x7f-\x9f]"
_NO_CONTROL = r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]*"
_VISIBLE = f"^{_NO_CONTROL}{_SEEN}{_NO_CONTROL}$"
# Printable ASCII; a space at an end is not part of a header's value (RFC 9110, 5.5).
_KEY = r"^[!-~]([ -~]*[!-~])?$"
_STREAM_TEXT = """Server-Sent Events. `hello` (HelloEvent) comes first; `comment` (Comment) carries
an id; `gap` (GapEvent) names comments that are missing; `reset` (ResetEvent) says that the cursor
could not be used; `bye` (ByeEvent) is the last event. Ignore events that you do not know. The
header Last-Event-ID wins over the query."""
_TITLES = {
    400: "The body is not JSON, or the request cannot be read",
    404: "No such path, video id or comment",
    405: "Method not allowed",
    411: "Length required",
    413: "The body is over 16 KiB",
    415: "The content type is not application/json",
    422: "A field, parameter or header breaks its rule; `field` names it",
    429: "The address is over its rate",
    503: "The store cannot serve this now, or too much is waiting",
}
_RETRYABLE = (429, 503)

Json = dict[str, Any]


@cache
def openapi_document() -> bytes:
    """The document as JSON bytes; made once."""
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "livecomments",
                "version": "1",
                "description": "Comments on live video, in order and without loss.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "paths": _paths(),
            "components": {"schemas": _schemas()},
        }
    )


def _schemas() -> Json:
    kinds = (NewComment, Comment, HistoryPage, Problem, HelloEvent, GapEvent, ResetEvent, ByeEvent)
    _, schemas = msgspec.json.schema_components(kinds, ref_template=_REF + "{name}")
    new = schemas["NewComment"]
    new["additionalProperties"] = False
    for field, limit in (("author", MAX_AUTHOR), ("text", MAX_TEXT)):
        new["properties"][field].update(
            minLength=1,
            maxLength=limit,
            pattern=_VISIBLE,
            description=f"At most {limit} characters after trimming white space",
        )
    schemas["Comment"]["properties"]["id"]["pattern"] = _EVENT_ID
    schemas["HistoryPage"]["properties"]["head"]["pattern"] = _EVENT_ID
    return schemas


def _paths() -> Json:
    video = _parameter("video_id", "path", {"type": "string", "pattern": _VIDEO_ID})
    base = "/v1/videos/{video_id}"
    return {
        f"{base}/comments": {"parameters": [video], "post": _post(), "get": _history()},
        f"{base}/comments/{{seq}}": {
            "parameters": [video, _parameter("seq", "path", {"type": "integer", "minimum": 1})],
            "get": {
                "operationId": "getComment",
                "summary": "One comment",
                "responses": {"200": _json("Comment", "The comment")} | _problems(404, 503),
            },
        },
        f"{base}/stream": {"parameters": [video], "get": _stream()},
    }


def _post() -> Json:
    key = {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": _KEY}
    created = _json("Comment", "Stored")
    created["headers"] = {"Location": _header("string", "Where the comment can be read")}
    created["links"] = {"stored": _link("getComment"), "history": _link("listComments")}
    replayed = _json("Comment", "The key was used before with the same body: the first comment")
    replayed["headers"] = {"Idempotency-Replayed": _header("string", "true")}
    return {
        "operationId": "postComment",
        "summary": "Post a comment",
        "parameters": [_parameter("Idempotency-Key", "header", key)],
        "requestBody": {"required": True, "content": _content("application/json", "NewComment")},
        "responses": {"201": created, "200": replayed}
        | _problems(400, 404, 411, 413, 415, 422, 429, 503),
    }


def _history() -> Json:
    event_id = {"type": "string", "pattern": _EVENT_ID}
    limit = {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    return {
        "operationId": "listComments",
        "summary": "A page of the history, oldest first; the newest without `after` and `before`",
        "parameters": [
            _parameter("limit", "query", limit),
            _parameter("after", "query", event_id),
            _parameter("before", "query", event_id),
        ],
        "responses": {"200": _json("HistoryPage", "The page")} | _problems(404, 422, 503),
    }


def _stream() -> Json:
    replay = {"type": "integer", "minimum": 0, "maximum": 200, "default": 20}
    return {
        "operationId": "streamComments",
        "summary": "Comments as they are stored",
        "description": _STREAM_TEXT,
        "parameters": [
            _parameter("Last-Event-ID", "header", {"type": "string"}),
            _parameter("last_event_id", "query", {"type": "string"}),
            _parameter("replay", "query", replay),
        ],
        "responses": {
            "200": {
                "description": "The stream; also when this server has to send you away (`bye`)",
                "content": {STREAM_TYPE: {"schema": {"type": "string"}}},
            }
        }
        | _problems(404),
    }


def _parameter(name: str, place: str, schema: Json) -> Json:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _header(kind: str, text: str) -> Json:
    return {"description": text, "schema": {"type": kind}}


def _link(operation: str) -> Json:
    names = ("video_id", "seq") if operation == "getComment" else ("video_id",)
    parameters = {name: f"$response.body#/{name}" for name in names}
    return {"operationId": operation, "parameters": parameters}


def _content(media_type: str, schema: str) -> Json:
    return {media_type: {"schema": {"$ref": _REF + schema}}}


def _json(schema: str, text: str) -> Json:
    return {"description": text, "content": _content("application/json", schema)}


def _problems(*statuses: int) -> Json:
    responses: Json = {}
    for status in (*statuses, 405):
        response: Json = {
            "description": _TITLES[status],
            "content": _content(PROBLEM_TYPE, "Problem"),
        }
        if status in _RETRYABLE:
            response["headers"] = {"Retry-After": _header("integer", "Seconds")}
        responses[str(status)] = response
    return responses
