"""The stream is described as what it is."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs

from tests.sse_parser import SseParser
from wire.sse import CONTENT_TYPE
from writer.openapi.document import openapi_document
from writer.openapi.stream import STREAM_PATH

DOCUMENT: dict[str, Any] = json.loads(openapi_document())
GET = DOCUMENT["x-event-streams"][STREAM_PATH]["get"]
MEDIA_TYPE = CONTENT_TYPE.partition(";")[0]
MEDIA = GET["responses"]["200"]["content"]


def test_it_is_events_and_says_what_the_data_of_each_is() -> None:
    assert list(MEDIA) == [MEDIA_TYPE] == ["text/event-stream"]
    assert set(MEDIA[MEDIA_TYPE]["x-events"]) == {
        *("hello", "state", "comment", "gap", "reset", "bye", "viewers"),
        *("removed", "restored", "tombstone", "settings", "sanctioned", "pinned"),
    }


def test_its_example_is_a_stream_of_described_events() -> None:
    events = list(SseParser().feed(MEDIA[MEDIA_TYPE]["example"].encode()))
    assert [event.type for event in events] == ["hello", "comment", "bye"]
    for event in events:
        reference = MEDIA[MEDIA_TYPE]["x-events"][event.type]
        jsonschema_rs.validate(DOCUMENT | reference, json.loads(event.data))


def test_the_cursor_may_be_a_header_or_one_name_in_the_query() -> None:
    places = {(parameter["in"], parameter["name"]) for parameter in GET["parameters"]}
    assert places == {("header", "Last-Event-ID"), ("query", "last_event_id"), ("query", "replay")}


def test_it_never_says_that_no_node_is_up_with_a_status() -> None:
    """An EventSource gives up for ever on any status but 200."""
    assert set(GET["responses"]) == {"200", "400", "401", "403", "404", "405", "417"}
