"""The stream in the description of the API. The nodes serve it, but it is one API and one origin.

It is no path of the document. What is in `paths` becomes a method of a generated client, and nearly
all generators' methods read a reply to its end before they return; a stream has none. So it stands
beside them, described as completely as any path item (decision 030).
"""

from __future__ import annotations

from wire.sse import CONTENT_TYPE
from writer.openapi.fields import EVENT_ID
from writer.openapi.parts import TICKET, Json, header_references, parameter, parameter_reference
from writer.openapi.problem_sets import STREAM
from writer.openapi.problems import problem_responses

STREAM_PATH = "/v1/videos/{video_id}/stream"
_MEDIA_TYPE = CONTENT_TYPE.partition(";")[0]
_REF = "#/components/schemas/"
STREAM_TAG_TEXT = """The comments of a video, sent as Server-Sent Events as soon as they are stored.
Streams are described under `x-event-streams`, in the form of `paths` but not there: they do not
end, and a generated client would wait for the end. Use an EventSource or an SSE library."""
_TEXT = """A reply of Server-Sent Events (WHATWG HTML) that does not end by itself: read the events
as they come, with an EventSource or an SSE library, never as one reply.

`hello` comes first; then `state`, if the video has rules. A `comment` carries an id, which is the
cursor, and so does whatever else is an entry of the log: `removed`, `restored`, `tombstone`,
`settings`, `sanctioned`, `pinned`; `gap` names comments that are missing; `viewers` says how many
watch; `reset` says that the cursor could not be used; `bye` is the last event, after which the
server closes the connection. Ignore unknown events, and comment lines. After a `bye`, a lost
connection or 12 s of silence, reconnect with the last id: then nothing is lost or repeated.

Where the server wants tickets, get one by `createTicket` and send it in the query. A stream ends
before its ticket does, with `bye` and the reason `expired`: come back with another ticket."""
_CURSOR_TEXT = """The cursor, an event id. An EventSource sends it by itself when it reconnects. It
has priority over the query; an empty one is ignored"""
_QUERY_CURSOR_TEXT = """The cursor for a first connection, on which an EventSource sends no header.
The names that some libraries use, `lastEventId` and `Last-Event-ID`, are accepted too"""
_REPLAY_TEXT = """How many older comments come first if there is no cursor. More than 200 count as
200, an invalid value as the default"""
_EVENTS = {
    "hello": "HelloEvent",
    "state": "StateEvent",
    "viewers": "Viewers",
    "comment": "Comment",
    **dict.fromkeys(("removed", "restored", "settings", "sanctioned", "pinned"), "Entry"),
    "tombstone": "Entry",
    "gap": "GapEvent",
    "reset": "ResetEvent",
    "bye": "ByeEvent",
}
_EXAMPLE = """retry: 1733
id: wtbcih2za997-2
event: hello
data: {"video_id":"v1","node_id":"node-1","epoch":"wtbcih2za997","head":"wtbcih2za997-3"}

id: wtbcih2za997-3
event: comment
data: {"id":"wtbcih2za997-3","video_id":"v1","seq":3,"author":"ann","text":"hi",\
"created_at":"2026-11-24T01:43:01.132Z"}

: hb
retry: 307
event: bye
data: {"reason":"drain"}

"""


def stream_path_item() -> Json:
    """The path item of the stream."""
    return {
        "parameters": [parameter_reference("VideoId")],
        "get": {
            "operationId": "streamComments",
            "tags": ["streams"],
            "summary": "Follow a video live",
            "description": _TEXT,
            "security": [{}, {TICKET: []}],
            "parameters": _parameters(),
            "responses": {"200": _stream()} | problem_responses(STREAM),
        },
    }


def _parameters() -> list[Json]:
    cursor = {"type": "string"}  # whatever it is: what cannot be used is answered with a `reset`
    replay = {"type": "integer", "minimum": 0, "maximum": 200, "default": 20}
    return [
        parameter("Last-Event-ID", "header", _CURSOR_TEXT, cursor, EVENT_ID),
        parameter("last_event_id", "query", _QUERY_CURSOR_TEXT, cursor, EVENT_ID),
        parameter("replay", "query", _REPLAY_TEXT, replay, 20),
    ]


def _stream() -> Json:
    return {
        "description": "The stream; also if the server can only send a `bye`",
        "headers": header_references(),
        "content": {
            _MEDIA_TYPE: {
                "schema": {"type": "string", "description": "Events, one after the other"},
                "example": _EXAMPLE,
                # What the data of each event is. OpenAPI 3.1 has no word for it.
                "x-events": {name: {"$ref": _REF + schema} for name, schema in _EVENTS.items()},
            }
        },
    }
