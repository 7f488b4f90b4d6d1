"""A writer that dies in the middle of a ruling: the same call at another one completes it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from service.failpoints import Failpoint
from tests.integration.writer.test_removal_deaths import EVERYWHERE, V, Writers
from tests.support import started

STEPPING = ("on_cassandra", "on_dynalite")
# Its other steps, in these: row written, entry numbered, its number noted.
IN_STEPS = [
    f"{Failpoint.WRITER_RULED}:kill@1",
    *(f"{Failpoint.WRITER_IN_COMMIT}:kill@{count}" for count in (2, 3)),
]
CALLS: dict[str, tuple[str, str, Any]] = {
    "settings": ("PATCH", "/settings", {"closed": True}),
    "sanctioned": ("PUT", f"/sanctions/u_{'A' * 22}", {"reason": "spam"}),
    "pinned": ("PUT", "/pin", {"seq": 2}),
}
CASES = [("on_sqlite", point, "settings") for point in EVERYWHERE]
CASES += [(store, point, "settings") for store in STEPPING for point in EVERYWHERE]
CASES += [(store, point, kind) for store in STEPPING for point in IN_STEPS for kind in CALLS]
# What is said of an author is two rows there.
CASES += [("on_dynalite", f"{Failpoint.WRITER_IN_COMMIT}:kill@4", "sanctioned")]


@pytest.fixture
async def writers(tmp_path: Path, variables: dict[str, str]) -> AsyncIterator[Writers]:
    async with started(Writers(tmp_path, variables)) as writers:
        yield writers


@pytest.mark.parametrize(("variables", "failpoint", "kind"), CASES, indirect=["variables"])
async def test_the_same_call_again_makes_it_whole(
    writers: Writers, failpoint: str, kind: str
) -> None:
    first, second = writers.first, writers.second
    for number in range(2):
        assert (await first.post(f"text {number}", f"k{number}"))[0] == 201
    await first.stop()
    first.client = None
    await first.start(FAILPOINT=failpoint)
    with pytest.raises(aiohttp.ClientError):
        await writers.call(first, *CALLS[kind])
    await second.start()
    await writers.call(second, *CALLS[kind])
    await writers.call(second, *CALLS[kind])
    page = await second.get(f"{V}/entries")
    assert [entry.get("type", "comment") for entry in page["entries"]] == [
        *("comment", "comment", kind)
    ]
    status, _ = await second.post("after", "k9")
    assert status == (403 if kind == "settings" else 201)
