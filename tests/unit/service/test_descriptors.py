from __future__ import annotations

import os
import resource
from collections.abc import Iterator

import pytest

from service.descriptors import Descriptors
from service.health import Health


@pytest.fixture
def none_free() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    next_one = os.dup(0)  # the lowest that is free; from here on none may be given
    os.close(next_one)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_one, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_shortage_is_counted_and_told(none_free: None) -> None:
    health = Health()
    descriptors = Descriptors(health)
    descriptors.check()
    descriptors.check()
    assert descriptors.shortages == 2
    assert health.degraded["descriptors"].startswith("none is free")


def test_it_is_no_longer_told_when_there_are_some_again() -> None:
    health = Health()
    health.mark("descriptors", "none is free")
    descriptors = Descriptors(health)
    descriptors.check()
    assert (descriptors.shortages, health.degraded) == (0, {})
