from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomments_client._core.sse import MAX_EVENT_BYTES, EventTooLarge, SseEvent, SseParser
from tests.sse_parser import SseParser as Standard

# Whatever matters to a parser, and whatever must not.
PIECES = [
    "data", "event", "id", "retry", ":", ": ", " ", "x", "12", "\n", "\r", "\r\n", "\n\n", "\0",
    "\u2028", "\x85", "\x0b", "ä", "😀", "\ufeff", "data: a\n\n", "id: e-1\n", "event: n\n",
]  # fmt: skip
TEXT = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
BYTES = st.one_of(TEXT.map(str.encode), st.binary(max_size=60))


def parsed(*chunks: bytes) -> list[SseEvent]:
    parser = SseParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


@given(BYTES, st.lists(st.integers(0, 400), max_size=6))
def test_it_finds_what_the_standard_finds_however_bytes_are_cut(
    raw: bytes, places: list[int]
) -> None:
    cuts = [0, *sorted(place for place in places if place <= len(raw)), len(raw)]
    chunks = [raw[start:end] for start, end in pairwise(cuts)]
    ours, standard = SseParser(), Standard()
    found = [event for chunk in chunks for event in ours.feed(chunk)]
    wanted = [event for chunk in chunks for event in standard.feed(chunk)]
    assert [(event.type, event.data) for event in found] == [
        (event.type, event.data) for event in wanted
    ]
    assert ours.retry_ms == standard.retry_ms
    last = ""
    for event, by_standard in zip(found, wanted, strict=True):
        last = last if event.id is None else event.id
        assert last == by_standard.last_event_id


def test_a_line_end_that_comes_in_two_pieces_is_one() -> None:
    assert parsed(b"data: a\r", b"\ndata: b\r", b"", b"\n\r", b"\n") == [
        SseEvent("message", "a\nb", None)
    ]
    assert parsed(b"data: a\r", b"\r") == [SseEvent("message", "a", None)]


def test_an_event_that_is_cut_off_is_none_nor_is_its_id() -> None:
    assert parsed(b"id: e-1\ndata: a\n\n", b"id: e-2\ndata: b\n") == [
        SseEvent("message", "a", "e-1")
    ]


def test_an_event_without_an_id_has_none() -> None:
    assert parsed(b"id: e-1\ndata: a\n\nevent: bye\ndata: b\n\n")[1] == SseEvent("bye", "b", None)


def test_heartbeats_end_nothing() -> None:
    assert parsed(b"data: a\n: hb\ndata: b\n\n") == [SseEvent("message", "a\nb", None)]


@pytest.mark.parametrize("endless", [b"data: " + b"x" * 70_000, b"data: " + b"x" * 70_000 + b"\n"])
def test_an_event_without_an_end_is_refused(endless: bytes) -> None:
    parser = SseParser()

    def feed() -> None:
        for _ in range(MAX_EVENT_BYTES // 70_000 + 2):
            assert parser.feed(endless) == []

    with pytest.raises(EventTooLarge):
        feed()


def test_a_time_to_reconnect_of_many_digits_is_no_number() -> None:
    parser = SseParser()
    parser.feed(b"retry: 100\nretry: " + b"9" * 10_000 + b"\n\n")
    assert parser.retry_ms == 100
