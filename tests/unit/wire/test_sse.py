"""Our frames as a browser reads them: the parser knows the standard and nothing of us."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sse_parser import SseEvent, SseParser
from wire.comment import NewComment, encode_comment
from wire.ids import EventId
from wire.sse import (
    DRAIN_RETRY_MS,
    HEARTBEAT,
    RETRY_MS,
    ByeReason,
    GapReason,
    ResetReason,
    bye_frame,
    entry_frame,
    gap_frame,
    hello_frame,
    reset_frame,
    retry_line,
    state_frame,
    viewers_frame,
)

EPOCH = "abcdefghijkl"
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50)


def one(frame: bytes) -> SseEvent:
    """The only event in a frame, which must be whole."""
    parser = SseParser()
    (event,) = parser.feed(frame)
    assert parser.feed(b"\n") == []
    assert frame.endswith(b"\n\n")
    assert frame.count(b"\n\n") == 1
    return event


@given(texts, texts, st.integers(1, 10**15 - 1))
def test_a_comment_is_one_event_with_its_id_and_its_exact_text(
    author: str, text: str, seq: int
) -> None:
    raw = encode_comment(EPOCH, "v", seq, NewComment(author, text), "")
    event = one(entry_frame(EPOCH, seq, raw))
    assert (event.type, event.last_event_id) == ("comment", f"{EPOCH}-{seq}")
    shown = json.loads(event.data)
    assert (shown["author"], shown["text"], shown["seq"]) == (author, text, seq)
    assert event.data.encode() == raw


@pytest.mark.parametrize(
    "text",
    ["\n\nid: 999", "\r\rid: 999", "\r\n\r\ndata: x", "a\rb", "\u2028\u2029\x85", "\0", "data:"],
)
def test_no_text_breaks_out_of_its_event(text: str) -> None:
    raw = encode_comment(EPOCH, "v", 1, NewComment("a", text), "")
    event = one(entry_frame(EPOCH, 1, raw))
    assert json.loads(event.data)["text"] == text
    assert event.last_event_id == f"{EPOCH}-1"


@pytest.mark.parametrize("raw", [b"a\nb", b"a\rb", b"\n", b"{}\r\n"])
def test_raw_bytes_with_a_line_end_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="one line"):
        entry_frame(EPOCH, 1, raw)


def test_how_many_watch_moves_no_cursor() -> None:
    event = one(viewers_frame(12, 40))
    assert (event.type, event.last_event_id, event.data) == ("viewers", "", '{"now":12,"peak":40}')
    assert json.loads(one(state_frame({}, b"null", (1, 2))).data)["viewers"] == {
        "now": 1,
        "peak": 2,
    }
    assert "viewers" not in json.loads(one(state_frame({}, b"null")).data)


def test_hello_carries_where_the_stream_starts_not_the_head() -> None:
    event = one(hello_frame("v", "n1", EventId(EPOCH, 3), 9))
    assert (event.type, event.last_event_id) == ("hello", f"{EPOCH}-3")
    assert json.loads(event.data) == {
        "video_id": "v",
        "node_id": "n1",
        "epoch": EPOCH,
        "head": f"{EPOCH}-9",
    }


def test_hello_after_a_reset_leaves_the_cursor_alone() -> None:
    parser = SseParser("junk")
    parser.feed(reset_frame(EventId(EPOCH, 4), ResetReason.MALFORMED))
    parser.feed(hello_frame("v", "n1", EventId(EPOCH, 4), 9, with_id=False))
    assert parser.last_event_id == f"{EPOCH}-4"


@pytest.mark.parametrize("reason", GapReason)
def test_a_gap_names_what_is_missing_and_moves_the_cursor_past_it(reason: GapReason) -> None:
    event = one(gap_frame(EPOCH, 5, 8, reason))
    assert (event.type, event.last_event_id) == ("gap", f"{EPOCH}-8")
    assert json.loads(event.data) == {"from": 5, "to": 8, "reason": reason.value}


@pytest.mark.parametrize("reason", ResetReason)
def test_a_reset_carries_the_id_from_which_the_stream_goes_on(reason: ResetReason) -> None:
    event = one(reset_frame(EventId(EPOCH, 0), reason))
    assert (event.type, event.last_event_id) == ("reset", f"{EPOCH}-0")
    assert json.loads(event.data) == {"reason": reason.value}


def test_a_bye_may_repeat_the_cursor_that_the_viewer_came_with() -> None:
    parser = SseParser(f"{EPOCH}-7")
    (event,) = parser.feed(bye_frame(ByeReason.SHED, EventId(EPOCH, 7)))
    assert (event.type, event.last_event_id) == ("bye", f"{EPOCH}-7")


@pytest.mark.parametrize("reason", ByeReason)
def test_a_bye_leaves_the_cursor_alone(reason: ByeReason) -> None:
    parser = SseParser(f"{EPOCH}-7")
    (event,) = parser.feed(bye_frame(reason))
    assert (event.type, event.last_event_id) == ("bye", f"{EPOCH}-7")
    assert json.loads(event.data) == {"reason": reason.value}


def test_a_heartbeat_is_no_event_and_moves_nothing() -> None:
    parser = SseParser("x")
    assert parser.feed(HEARTBEAT) == []
    assert (parser.comments, parser.last_event_id) == ([" hb"], "x")


@pytest.mark.parametrize("bounds", [RETRY_MS, DRAIN_RETRY_MS])
def test_retry_is_drawn_anew_within_its_bounds(bounds: tuple[int, int]) -> None:
    drawn = set()
    for _ in range(200):
        parser = SseParser()
        assert parser.feed(retry_line(bounds)) == []
        assert parser.retry_ms is not None
        drawn.add(parser.retry_ms)
    assert len(drawn) > 20
    assert bounds[0] <= min(drawn)
    assert max(drawn) <= bounds[1]


def test_no_frame_is_without_data() -> None:
    """Many clients hand an event without data to their caller, and fail on it."""
    frames = [
        hello_frame("v", "n1", EventId(EPOCH, 3), 9),
        entry_frame(EPOCH, 1, b"{}"),
        bye_frame(ByeReason.SHED),
    ]
    for frame in frames:
        assert frame.count(b"\n\n") == 1
        assert b"\ndata: {" in frame
    assert b"\n\n" not in HEARTBEAT


def test_hello_and_bye_say_when_to_come_back() -> None:
    for frame, (low, high) in (
        (hello_frame("v", "n1", EventId(EPOCH, 3), 9), RETRY_MS),
        (bye_frame(ByeReason.UNAVAILABLE), RETRY_MS),
        (bye_frame(ByeReason.DRAIN), DRAIN_RETRY_MS),
    ):
        parser = SseParser()
        parser.feed(frame)
        assert parser.retry_ms is not None
        assert low <= parser.retry_ms <= high


def test_half_a_frame_never_moves_the_cursor() -> None:
    frame = entry_frame(EPOCH, 2, b"{}")
    for size in range(len(frame)):
        parser = SseParser(f"{EPOCH}-1")
        assert parser.feed(frame[:size]) == []
        assert parser.last_event_id == f"{EPOCH}-1"


def test_a_lone_cr_at_the_end_of_the_stream_is_no_frame_of_ours() -> None:
    frames = [
        entry_frame(EPOCH, 1, b"{}"),
        bye_frame(ByeReason.SLOW),
        gap_frame(EPOCH, 1, 2, GapReason.LIMIT),
        HEARTBEAT,
    ]
    assert all(b"\r" not in frame for frame in frames)
