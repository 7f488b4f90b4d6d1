from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.ids import (
    EventId,
    is_epoch,
    is_service_id,
    is_video_id,
    new_epoch,
    parse_event_id,
)

epochs = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=12, max_size=12)


@given(epochs, st.integers(0, 10**15 - 1))
def test_an_event_id_is_read_as_it_was_written(epoch: str, seq: int) -> None:
    assert parse_event_id(str(EventId(epoch, seq))) == EventId(epoch, seq)


@given(st.text())
def test_only_the_canonical_spelling_is_an_event_id(text: str) -> None:
    event_id = parse_event_id(text)
    assert event_id is None or str(event_id) == text


@pytest.mark.parametrize(
    "text",
    [
        "", "-1", "0", "7", "1e999", str(2**63), "%00", "\0", "x" * 10_000,
        "abcdefghijkl", "abcdefghijkl-", "abcdefghijkl-01", "abcdefghijkl-+1", "abcdefghijkl--1",
        "abcdefghijkl-1 ", " abcdefghijkl-1", "abcdefghijkl-1\n", "ABCDEFGHIJKL-1", "abcdefghijk-1",
        "abcdefghijklm-1", "abcdefghijkl-1.0", "abcdefghijkl-٣", "abcdefghijkl-9999999999999999",
        "abcdefghijkl-1-2", "äbcdefghijkl-1",
    ],
)  # fmt: skip
def test_other_cursors_are_no_event_ids(text: str) -> None:
    assert parse_event_id(text) is None


def test_event_ids_sort_by_number_within_an_epoch() -> None:
    assert EventId("abcdefghijkl", 9) < EventId("abcdefghijkl", 10)


@pytest.mark.parametrize("text", ["a", "A-_9", "x" * 64, "-", "_"])
def test_video_ids(text: str) -> None:
    assert is_video_id(text)


@pytest.mark.parametrize("text", ["", "x" * 65, "a b", "a/b", "a.b", "..", "%41", "é", "a\n", "٣"])
def test_what_is_no_video_id(text: str) -> None:
    assert not is_video_id(text)


@pytest.mark.parametrize("text", ["a", "9", "node-1", "comments-node-7c9fd9bbd4-x2x9q", "x" * 63])
def test_service_ids(text: str) -> None:
    assert is_service_id(text)


@pytest.mark.parametrize("text", ["", "-a", "a-", "A", "a_b", "a.b", "x" * 64, "é", "a\n", "a b"])
def test_what_is_no_service_id(text: str) -> None:
    assert not is_service_id(text)


def test_new_epochs_are_epochs_and_differ() -> None:
    made = {new_epoch() for _ in range(1_000)}
    assert len(made) == 1_000
    assert all(map(is_epoch, made))


@pytest.mark.parametrize(
    "text", ["", "abcdefghijk", "abcdefghijklm", "ABCDEFGHIJKL", "abcdefghijk\n"]
)
def test_what_is_no_epoch(text: str) -> None:
    assert not is_epoch(text)
