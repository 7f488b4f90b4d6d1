"""The disk below a whole cluster fills up and gets room again (T29): posts are refused at once,
reads and streams go on, and all of it comes back without a command, ZooKeeper too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from cluster.cluster import Cluster
from cluster.runtime import Condition
from cluster.settings import Settings
from cluster.status import fetch_rows
from tests.clusters import running
from tests.e2e.parts import figure, state_of
from tests.small_disk import SmallDisk, small_disk
from tests.support import TIMEOUT_FACTOR, eventually

pytestmark = pytest.mark.timeout(180)
OURS = ("writer-1", "writer-2", "dispatcher-1", "node-1", "node-2")
WITHIN_S = 40.0
COMMENT = {"author": "ann", "text": "hi"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "home", "48m") as disk:
        yield disk


@pytest.fixture
async def small(disk: SmallDisk) -> AsyncIterator[Cluster]:
    settings = Settings("full", runtime="local", nodes=2, dispatchers=1)
    async with running(Cluster.create(settings, disk.path)) as cluster:
        yield cluster


class Viewer:
    """Keeps a stream open and what came on it."""

    def __init__(self, cluster: Cluster, session: aiohttp.ClientSession, video: str) -> None:
        self.heard = b""
        self._url = f"{cluster.http_url}/v1/videos/{video}/stream"
        self._session = session
        self._task = asyncio.create_task(self._watch())

    def ended(self) -> bool:
        return self._task.done()

    async def leave(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        async with self._session.get(self._url, timeout=aiohttp.ClientTimeout()) as reply:
            async for chunk in reply.content.iter_any():
                self.heard += chunk


def comments(cluster: Cluster, video: str) -> str:
    return f"{cluster.http_url}/v1/videos/{video}/comments"


async def post(cluster: Cluster, session: aiohttp.ClientSession, video: str) -> tuple[int, str]:
    """Status, and the code of a problem."""
    async with session.post(comments(cluster, video), json=COMMENT) as reply:
        return reply.status, (await reply.json()).get("code", "")


async def until_degraded(cluster: Cluster, name: str, wanted: bool) -> None:
    async with asyncio.timeout(WITHIN_S * TIMEOUT_FACTOR):
        while ("store" in (await state_of(cluster, name))["degraded"]) is not wanted:
            await asyncio.sleep(0.1)


async def until_all_ready(cluster: Cluster) -> None:
    async with asyncio.timeout(WITHIN_S * TIMEOUT_FACTOR):
        while wrong := [
            r for r in await fetch_rows(cluster) if not r.ready or "degraded" in r.health
        ]:
            await asyncio.sleep(0.2)
    assert not wrong


async def test_a_full_disk_costs_posts_only_and_nothing_once_there_is_room(
    small: Cluster, disk: SmallDisk, session: aiohttp.ClientSession
) -> None:
    pids = [small.pid(name) for name in OURS]
    assert await post(small, session, "v") == (201, "")
    viewer = Viewer(small, session, "v")
    await eventually(lambda: b"event: hello" in viewer.heard)

    disk.fill()
    for number in range(40):
        assert await post(small, session, f"v{number}") == (503, "store_unavailable")
    async with session.get(comments(small, "v")) as reply:
        assert [comment["seq"] for comment in (await reply.json())["comments"]] == [1]
    for writer in ("writer-1", "writer-2"):
        await until_degraded(small, writer, True)

    others = [Viewer(small, session, f"w{number}") for number in range(60)]  # each is registered
    await eventually(lambda: small.condition("zookeeper-1") is Condition.WAITING, WITHIN_S)
    assert not viewer.ended()

    disk.free()
    assert await post(small, session, "v") == (201, "")
    await eventually(lambda: b'"seq":2,' in viewer.heard)
    await until_all_ready(small)
    assert [small.pid(name) for name in OURS] == pids
    assert sum([await figure(small, name, "livecomments_log_lines_lost_total") for name in OURS])
    for one in (viewer, *others):
        await one.leave()
