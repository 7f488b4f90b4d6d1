"""How many watch, with three nodes and three thousand viewers, while a node and the writers die."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from cluster.cluster import Cluster
from cluster.parts import Kind
from tests.bounds import record
from tests.clusters import running
from tests.e2e.conftest import Shape
from tests.e2e.contract import ANOTHER_NODE, needs, servers, writers
from tests.e2e.crowd import Crowd
from tests.support import TIMEOUT_FACTOR
from wire.topology import Topology

TOPOLOGIES = tuple(Topology)
VIEWERS = {"hot": 2_000, "warm": 950, "cold": 50}
RIGHT_AFTER_S = 12.0
# After writers are ready: 4.5 s until they tell, 2.25 until a node asks, 2.5 until screens show it.
WRITERS_RIGHT_AFTER_S = 10.5
LOOK_S = 20.0  # after the kill of a node
# After the kill of a node no screen shows more: 5 s until it is forgotten, then as above.
TWICE_S = 10.0
# All of them have one address.
ENVIRONMENT = {"MAX_STREAMS_PER_ADDRESS": "5000", "LOG_LEVEL": "warning"}


@pytest.fixture
async def cluster(shape: Shape, tmp_path: Path) -> AsyncIterator[Cluster]:
    async with running(shape.create("crowd", tmp_path, ENVIRONMENT)) as cluster:
        yield cluster


@pytest.fixture
async def crowd(cluster: Cluster) -> AsyncIterator[Crowd]:
    crowd = Crowd(cluster.address("haproxy", "http"))
    yield crowd
    await crowd.leave()


async def test_counts_are_right_again_after_a_node_and_all_writers_died(
    cluster: Cluster, crowd: Crowd
) -> None:
    """Nobody can be told anything before writers are back: times count from when they are ready."""
    counts = await fill(cluster, crowd)
    node, *others = servers(cluster)
    away = [node, *(set(writers(cluster)) - {node})]
    loop = asyncio.get_running_loop()
    killed_at = loop.time()
    await asyncio.gather(*(cluster.kill(name) for name in away))
    back = away if not others else away[1:]  # a node's viewers go to the others
    await asyncio.gather(*(cluster.start(name) for name in back))
    ready_at = loop.time()
    await crowd.wait_whole(60)
    right_at = await wait_right(cluster, crowd, counts)
    note(cluster, "a node and all writers", right_at - killed_at, right_at - ready_at)
    assert right_at - ready_at <= WRITERS_RIGHT_AFTER_S * TIMEOUT_FACTOR
    await judge_told(cluster, crowd, counts)
    for name in away:
        await cluster.start(name)
    await wait_right(cluster, crowd, counts)


async def test_viewers_of_a_killed_node_are_not_twice_for_long(
    cluster: Cluster, crowd: Crowd
) -> None:
    """Twice: a node is killed and started, and then another one is killed."""
    needs(cluster, ANOTHER_NODE)
    counts = await fill(cluster, crowd)
    loop = asyncio.get_running_loop()
    for node in servers(cluster)[:2]:
        killed_at = loop.time()
        await cluster.kill(node)
        twice_until = right_at = killed_at
        # Screens show the right number also before anybody has come back: so look on for a while.
        while loop.time() < killed_at + LOOK_S * TIMEOUT_FACTOR:
            if crowd.above(counts):
                twice_until = loop.time()
            if not (crowd.whole and await is_right(cluster, crowd, counts)):
                right_at = loop.time()
            await asyncio.sleep(0.1)
        record(f"viewers, {cluster.settings.topology}: twice for {twice_until - killed_at:.1f} s")
        note(cluster, node, right_at - killed_at)
        assert twice_until - killed_at <= TWICE_S * TIMEOUT_FACTOR
        assert right_at - killed_at <= RIGHT_AFTER_S * TIMEOUT_FACTOR
        await judge_told(cluster, crowd, counts)
        await cluster.start(node)
        await wait_right(cluster, crowd, counts)


async def fill(cluster: Cluster, crowd: Crowd) -> dict[str, int]:
    """Three thousand viewers, and all are told of all; how many of each video."""
    prefix = secrets.token_hex(4)
    counts = {f"{prefix}-{name}": count for name, count in VIEWERS.items()}
    for video_id, count in counts.items():
        await crowd.join(video_id, count)
    await crowd.wait_whole(120)
    await wait_right(cluster, crowd, counts)
    return counts


async def wait_right(cluster: Cluster, crowd: Crowd, counts: dict[str, int]) -> float:
    """Until all screens show the right counts and every writer tells them; when that was."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(90 * TIMEOUT_FACTOR):
        while not await is_right(cluster, crowd, counts):
            await asyncio.sleep(0.1)
    return loop.time()


async def is_right(cluster: Cluster, crowd: Crowd, counts: dict[str, int]) -> bool:
    if not all(crowd.shows(video_id, count) for video_id, count in counts.items()):
        return False
    for at in [Kind.HAPROXY, *writers(cluster)]:
        for video_id, count in counts.items():
            if (await ask(cluster, video_id, at)).get("now") != count:
                return False
    return True


async def judge_told(cluster: Cluster, crowd: Crowd, counts: dict[str, int]) -> None:
    """At no time nobody or fewer, at no time a viewer more than twice, and nobody in a peak."""
    assert crowd.lowest >= 1
    for video_id, count in counts.items():
        assert crowd.highest[video_id] <= 2 * count
        for at in writers(cluster):
            assert (await ask(cluster, video_id, at))["peak"] <= 1.01 * count


def note(cluster: Cluster, died: str, after_kill_s: float, after_ready_s: float = 0.0) -> None:
    """For the table of bounds."""
    since = f", {after_ready_s:.1f} s after writers are ready" if after_ready_s else ""
    topology = cluster.settings.topology
    record(f"viewers, {topology}, {died}: right {after_kill_s:.1f} s after the kill{since}")


async def ask(cluster: Cluster, video_id: str, at: str) -> dict[str, int]:
    """What a writer or the gateway answers; a problem has no count."""
    base = cluster.http_url if at == Kind.HAPROXY else cluster.url(at, "public")
    url = f"{base}/v1/videos/{video_id}/viewers"
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as reply:
            told: dict[str, int] = await reply.json()
            return told
    except aiohttp.ClientError:  # not up yet
        return {}
