"""The examples of the WHATWG standard, and its corners."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sse_parser import SseEvent, SseParser


def parse(text: str | bytes) -> list[tuple[str, str, str]]:
    raw = text.encode() if isinstance(text, str) else text
    return [(event.type, event.data, event.last_event_id) for event in SseParser().feed(raw)]


def test_lines_of_data_are_joined() -> None:
    assert parse("data: YHOO\ndata: +2\ndata: 10\n\n") == [("message", "YHOO\n+2\n10", "")]


def test_a_comment_an_id_and_a_space_that_belongs_to_the_data() -> None:
    stream = (
        ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third\n\n"
    )
    assert parse(stream) == [
        ("message", "first event", "1"),
        ("message", "second event", ""),
        ("message", " third", ""),
    ]


def test_a_field_without_a_colon_is_an_empty_one_and_a_half_event_is_dropped() -> None:
    assert parse("data\n\ndata\ndata\n\ndata:") == [("message", "", ""), ("message", "\n", "")]


def test_one_space_after_the_colon_is_no_part_of_the_value() -> None:
    assert parse("data:test\n\ndata: test\n\n") == [("message", "test", "")] * 2


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_all_three_line_ends_count(end: str) -> None:
    text = end.join(["id: 7", "event: add", "data: x", "", "data: y", "", ""])
    assert parse(text) == [("add", "x", "7"), ("message", "y", "7")]


def test_only_a_byte_order_mark_at_the_very_start_is_skipped() -> None:
    assert parse("\ufeffdata: a\n\n\ufeffdata: b\n\n") == [("message", "a", "")]


def test_bytes_that_are_not_utf8_become_replacement_characters() -> None:
    assert parse(b"data: a\xffb\n\n") == [("message", "a\ufffdb", "")]


def test_an_event_without_data_moves_the_cursor_and_is_not_dispatched() -> None:
    parser = SseParser()
    assert parser.feed(b"id: 9\nevent: nothing\n\n") == []
    assert parser.last_event_id == "9"
    assert parser.feed(b"data: x\n\n") == [SseEvent("message", "x", "9")]


def test_half_an_event_moves_nothing() -> None:
    parser = SseParser("5")
    parser.feed(b"id: 6\ndata: lost\n")
    assert parser.last_event_id == "5"


def test_an_id_with_nul_is_ignored() -> None:
    assert parse("id: 1\nid: 2\0\ndata: x\n\n") == [("message", "x", "1")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("250", 250), ("0", 0), ("-1", None), ("1.5", None), ("1e3", None), ("", None), ("٣", None)],
)
def test_retry_takes_ascii_digits_only(value: str, expected: int | None) -> None:
    parser = SseParser()
    parser.feed(f"retry: {value}\n".encode())
    assert parser.retry_ms == expected


@pytest.mark.parametrize("line", ["Data: x", "da ta: x", " data: x", "\0data: x", "x", "events: x"])
def test_unknown_fields_are_ignored(line: str) -> None:
    assert parse(line + "\ndata: y\n\n") == [("message", "y", "")]


def test_the_last_event_name_wins_and_is_forgotten_after_its_event() -> None:
    assert parse("event: a\nevent: b\ndata: x\n\ndata: y\n\n") == [
        ("b", "x", ""),
        ("message", "y", ""),
    ]


def test_other_unicode_line_breaks_are_data() -> None:
    text = "a\u2028b\u2029c\u0085d\ve\ff"
    assert parse(f"data: {text}\n\n") == [("message", text, "")]


def test_comments_are_kept_for_tests_of_heartbeats() -> None:
    parser = SseParser()
    assert parser.feed(b": hb\n\n: hb\n\n") == []
    assert parser.comments == [" hb", " hb"]


PIECES = st.sampled_from(
    [
        "data",
        "id",
        "event",
        "retry",
        ":",
        " ",
        "\n",
        "\r",
        "\r\n",
        "x",
        "7",
        "\0",
        "é",
        "😀",
        "\n\n",
    ]
)


@given(st.lists(PIECES, max_size=60).map("".join), st.data())
def test_where_the_bytes_are_cut_makes_no_difference(text: str, data: st.DataObject) -> None:
    raw = ("\ufeff" + text).encode()
    whole = SseParser()
    expected = whole.feed(raw)
    cut = SseParser()
    events = []
    rest = raw
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        events += cut.feed(rest[:size])
        rest = rest[size:]
    assert events == expected
    assert (cut.last_event_id, cut.retry_ms) == (whole.last_event_id, whole.retry_ms)
    assert cut.comments == whole.comments
