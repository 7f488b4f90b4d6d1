"""What is described is what is sent."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from screening.filters import Filters
from wire import comment as wire
from wire.comment import MAX_AUTHOR, MAX_TEXT, encode_comment, parse_new_comment, timestamp
from wire.errors import InvalidField, KeyReused, LivecommentsError, NotFound
from wire.ids import EventId
from wire.moderation import parse_settings
from wire.problem import encode_problem
from wire.rulings import FOREVER, Settings, encode_pinned, encode_sanctioned, encode_settings
from wire.sse import (
    ByeReason,
    GapReason,
    ResetReason,
    bye_frame,
    gap_frame,
    hello_frame,
    reset_frame,
    state_frame,
    viewers_frame,
)
from writer.openapi.document import openapi_document
from writer.openapi.events import ByeEvent, GapEvent, HelloEvent, ResetEvent, StateEvent
from writer.openapi.rule_types import VideoSettings
from writer.openapi.types import Comment, CommentInput, Problem, Viewers

START = EventId("abcdefghijkl", 3)
PLAIN = encode_comment(START.epoch, "v", 3, wire.NewComment("ann", "hi"), timestamp(1e9))
# With everything that a comment may have.
_FULL = wire.NewComment("ann", "hi", "u_QcaiGVMoA4STtIcJMfktFQ", ("owner", "moderator"), guest=True)
COMMENT = encode_comment(START.epoch, "v", 3, _FULL, timestamp(1e9))
SETTINGS = msgspec.structs.asdict(Settings(slow_mode_s=9))
DOCUMENT: dict[str, Any] = json.loads(openapi_document())


def fits(name: str, value: object) -> bool:
    """Formats are checked too."""
    schema = DOCUMENT | {"$ref": f"#/components/schemas/{name}"}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(value)


def data(frame: bytes) -> bytes:
    (line,) = [line[6:] for line in frame.splitlines() if line.startswith(b"data: ")]
    return line


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (COMMENT, Comment),
        (msgspec.json.encode(wire.NewComment("ann", "hi")), CommentInput),
        (data(hello_frame("v", "node-1", START, 9)), HelloEvent),
        (data(state_frame(SETTINGS, COMMENT, (12, 40))), StateEvent),
        (data(state_frame(SETTINGS, b"null", (0, 0))), StateEvent),
        (data(viewers_frame(12, 40)), Viewers),
        (data(gap_frame("abcdefghijkl", 4, 8, GapReason.LIMIT)), GapEvent),
        (data(reset_frame(START, ResetReason.EPOCH)), ResetEvent),
        (data(bye_frame(ByeReason.DRAIN)), ByeEvent),
    ],
)
def test_members_are_those_that_are_sent(raw: bytes, kind: type) -> None:
    msgspec.json.decode(raw, type=kind)
    assert set(json.loads(raw)) == {f.encode_name for f in msgspec.structs.fields(kind)}
    assert fits(kind.__name__, json.loads(raw))


def test_a_state_without_viewers_fits_too() -> None:
    assert fits("StateEvent", json.loads(data(state_frame(SETTINGS, COMMENT))))


def test_every_setting_is_described() -> None:
    sent = json.loads(msgspec.json.encode(Settings()))
    assert fits("VideoSettings", sent)
    assert list(sent) == [f.encode_name for f in msgspec.structs.fields(VideoSettings)]
    for name, value in sent.items():
        assert fits("SettingsInput", {name: value})
        assert parse_settings(json.dumps({name: value}).encode()) == {name: value}
    assert not fits("SettingsInput", {})


NOTICES = [
    encode_settings(START.epoch, "v", 4, Settings(closed=True), timestamp(1e9)),
    encode_sanctioned(START.epoch, "v", 5, ("u_1", None, False), timestamp(1e9)),
    encode_sanctioned(START.epoch, "v", 5, ("u_1", FOREVER, True), timestamp(1e9)),
    encode_pinned(START.epoch, "v", 6, COMMENT, timestamp(1e9)),
    encode_pinned(START.epoch, "v", 6, None, timestamp(1e9)),
]


@pytest.mark.parametrize("raw", NOTICES)
def test_a_ruling_is_an_entry(raw: bytes) -> None:
    assert fits("Entry", json.loads(raw))
    if b'"pinned"' in raw:
        assert fits("Pinning", json.loads(raw))


@pytest.mark.parametrize(
    "body",
    [
        {"terms": []},
        {"terms": [{"term": "x", "action": "block"}]},
        {"terms": [{"term": "x", "action": "hold", "kind": "pattern"}]},
    ],
)
def test_filters_are_described_as_they_are_taken_and_shown(body: dict[str, object]) -> None:
    assert fits("FiltersInput", body)
    shown = json.loads(Filters.parse(json.dumps(body).encode()).encode())
    assert fits("FilterList", shown)
    assert fits("FiltersInput", shown), "what is read can be sent back"


@pytest.mark.parametrize(
    "term",
    [{"term": "x"}, {"term": "x", "action": "mask"}, {"term": "", "action": "hold"}],
)
def test_a_term_that_does_not_fit_is_refused(term: dict[str, str]) -> None:
    assert not fits("FiltersInput", {"terms": [term]})
    with pytest.raises(InvalidField):
        Filters.parse(json.dumps({"terms": [term]}).encode())


def test_what_a_comment_does_not_have_is_left_out() -> None:
    assert fits("Comment", json.loads(PLAIN))
    more = list(json.loads(COMMENT))[len(json.loads(PLAIN)) :]
    assert more == ["author_id", "badges", "guest"]


@pytest.mark.parametrize(
    "error", [NotFound(), NotFound("gone"), InvalidField("text", "is missing"), KeyReused()]
)
def test_a_problem_has_what_is_sent_of_it(error: LivecommentsError) -> None:
    sent = json.loads(encode_problem(error))
    assert set(sent) <= {f.encode_name for f in msgspec.structs.fields(Problem)}
    assert fits("Problem", sent)


def test_a_comment_has_a_time_and_a_number_of_64_bits() -> None:
    fields = DOCUMENT["components"]["schemas"]["Comment"]["properties"]
    assert (fields["created_at"]["format"], fields["seq"]["format"]) == ("date-time", "int64")
    assert not fits("Comment", json.loads(COMMENT) | {"created_at": "yesterday"})


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("text", ""),
        ("text", "x" * (MAX_TEXT + 1)),
        ("author", "x" * (MAX_AUTHOR + 1)),
        ("author", " \t"),
        ("text", "a\x00b"),
        ("id", "mine"),
    ],
)
def test_what_does_not_fit_is_refused(member: str, value: str) -> None:
    body = {"author": "ann", "text": "hi"} | {member: value}
    assert not fits("CommentInput", body)
    with pytest.raises(InvalidField):
        parse_new_comment(json.dumps(body).encode())
