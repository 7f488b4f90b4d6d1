"""What an author has said may be said again after 30 s, whichever writer takes it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.writer.test_removal_deaths import Writers
from tests.preload import WallClock
from tests.support import started
from wire.rulings import REPEATS_WITHIN_S


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path, "clock")


@pytest.fixture
async def writers(
    tmp_path: Path, variables: dict[str, str], clock: WallClock
) -> AsyncIterator[Writers]:
    async with started(Writers(tmp_path, variables | clock.environment)) as writers:
        await writers.second.start()
        yield writers


async def test_it_is_a_repeat_for_30_seconds(writers: Writers, clock: WallClock) -> None:
    await writers.call(writers.first, "PATCH", "/settings", {"repeats": False})
    assert (await writers.first.post("hi", "k1"))[0] == 201
    for number, writer in enumerate((writers.first, writers.second)):
        status, problem = await writer.post("hi", f"again {number}")
        assert (status, problem["code"]) == (409, "duplicate")
    assert (await writers.second.post("hi", "k1"))[0] == 200
    clock.set(REPEATS_WITHIN_S)
    assert (await writers.second.post("hi", "k2"))[0] == 201
    assert (await writers.first.post("hi", "k3"))[0] == 409
