from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from service.collector import LOOK_AFTER_OBJECTS, collect_rarely


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_new_objects_are_looked_at_rarely_and_older_ones_as_before() -> None:
    gc.set_threshold(700, 10, 10)
    collect_rarely()
    assert gc.get_threshold() == (LOOK_AFTER_OBJECTS, 10, 10)


def test_the_collector_stays_on() -> None:
    collect_rarely()
    assert gc.isenabled()
