"""How many watch, with three nodes and three thousand viewers, while a node and the writers die."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from cluster.cluster import Cluster
from tests.bounds import record
from tests.clusters import running
from tests.e2e.conftest import Shape
from tests.e2e.contract import servers, writers
from tests.e2e.crowd import Crowd
from tests.support import TIMEOUT_FACTOR, eventually
from wire.topology import Topology

TOPOLOGIES = tuple(Topology)
VIEWERS = {"hot": 2_000, "warm": 950, "cold": 50}
RIGHT_AFTER_S = 12.0
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
    prefix = secrets.token_hex(4)
    counts = {f"{prefix}-{name}": count for name, count in VIEWERS.items()}
    for video_id, count in counts.items():
        await crowd.join(video_id, count)
    await crowd.wait_whole(120)
    await right(cluster, crowd, counts)
    node, *others = servers(cluster)
    away = [node, *(set(writers(cluster)) - {node})]
    await asyncio.gather(*(cluster.kill(name) for name in away))
    back = away if not others else away[1:]  # a node's viewers go to the others
    await asyncio.gather(*(cluster.start(name) for name in back))
    await crowd.wait_whole(60)
    took_s = await right(cluster, crowd, counts)
    record(f"viewer counts {cluster.settings.topology}: right {took_s:.1f} s after all were back")
    assert took_s <= RIGHT_AFTER_S * TIMEOUT_FACTOR
    assert crowd.lowest >= 1
    for video_id, count in counts.items():
        assert crowd.highest[video_id] <= 2 * count
        assert (await ask(cluster, video_id))["peak"] <= 1.01 * count  # nobody was there twice
    for name in away:
        await cluster.start(name)
    await crowd.wait_whole(60)
    await right(cluster, crowd, counts)


async def right(cluster: Cluster, crowd: Crowd, counts: dict[str, int]) -> float:
    """Wait until all screens and all who ask are told the right counts; how long it took, in
    seconds.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    for video_id, count in counts.items():
        await eventually(lambda v=video_id, n=count: crowd.shows(v, n), 60)
        while (await ask(cluster, video_id)).get("now") != count:
            assert loop.time() - began < 60 * TIMEOUT_FACTOR, await ask(cluster, video_id)
            await asyncio.sleep(0.1)
    return loop.time() - began


async def ask(cluster: Cluster, video_id: str) -> dict[str, int]:
    url = f"{cluster.http_url}/v1/videos/{video_id}/viewers"
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        told: dict[str, int] = await reply.json()
        return told
