"""Stage times: kept when asked for, and only then."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from service import stages
from service.stages import MAX_NOTES, Stage, note, take


@pytest.fixture(autouse=True)
def _off_again() -> Iterator[None]:
    yield
    stages.keep(False)


def test_nothing_is_kept_unless_it_is_asked_for() -> None:
    note(Stage.COMMITTED, 1.0)
    assert take() == []


def test_each_note_is_given_out_once_with_its_time() -> None:
    stages.keep(True)
    before = time.time()
    note(Stage.COMMITTED, 1.0, "request-1")
    ((stage, accepted_at, at, request_id),) = take()
    assert (stage, accepted_at, request_id) == ("committed", 1.0, "request-1")
    assert before <= at <= time.time()
    assert take() == []


def test_when_nobody_takes_them_the_oldest_go() -> None:
    stages.keep(True)
    for number in range(MAX_NOTES + 5):
        note(Stage.WRITTEN, float(number))
    kept = take()
    assert len(kept) == MAX_NOTES
    assert kept[0][1] == 5.0
