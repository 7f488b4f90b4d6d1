"""Cassandra killed, frozen, away at the start: posts are refused honestly, streams stay, nothing is
lost, and all comes back without a start of ours.
"""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from cluster.cluster import Cluster
from tests.chaos.judge import judge
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.e2e.test_faults import WARM_UP, eventually_503
from tests.support import eventually

STORES = ("cassandra",)
pytestmark = pytest.mark.timeout(300)  # each starts Cassandra again, which takes its time
RATE = 50
SHAPE = Shape(viewers=60, videos=8, rate=RATE, churn_s=0)
STORE = "cassandra-1"
BACK_WITHIN_S = 10.0  # the driver tries again every second, a post every half second
FROZEN_S = 10.0


def moved(load: Load) -> list[str]:
    """Viewers whose stream ended, and what they were told."""
    return [
        f"{watch.name}: {[event.data for event in watch.events if event.type == 'bye']}"
        for watch in load.history.watches
        if len(watch.streams) != 1
    ]


async def refused(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    await eventually_503(session, f"{cluster.http_url}/v1/videos/unwatched/comments")


async def test_a_killed_store_refuses_posts_and_keeps_streams(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    writers = [cluster.pid(name) for name in ("writer-1", "writer-2")]
    async with Load(cluster.http_url, SHAPE) as load:
        await load.wait_for_posts(WARM_UP)
        async with load.trouble("Cassandra killed", BACK_WITHIN_S):
            await cluster.kill(STORE)
            await refused(cluster, session)
            await cluster.start(STORE)
        await load.wait_for_posts(3 * RATE, 60)
        assert moved(load) == []
        assert judge(await load.finish()).broken == []
    assert [cluster.pid(name) for name in ("writer-1", "writer-2")] == writers


async def test_a_frozen_store_costs_time_only(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    async with Load(cluster.http_url, SHAPE) as load:
        await load.wait_for_posts(WARM_UP)
        async with load.trouble("Cassandra frozen", BACK_WITHIN_S):
            cluster.pause(STORE)
            await asyncio.sleep(FROZEN_S)  # the length of the fault
            cluster.resume(STORE)
        await load.wait_for_posts(3 * RATE, 60)
        assert moved(load) == []
        assert judge(await load.finish()).broken == []


async def test_writers_that_start_without_their_store_wait_for_it(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    """A writer is ready, and says what it does without; no start is needed when the store is."""
    names = ("writer-1", "writer-2")
    await asyncio.gather(*(cluster.stop(name) for name in (*names, STORE)))
    await asyncio.gather(*(cluster.start(name) for name in names))
    await refused(cluster, session)
    started = [cluster.pid(name) for name in names]
    await cluster.start(STORE)
    url = f"{cluster.http_url}/v1/videos/v1/comments"
    statuses: list[int] = []

    async def post() -> None:
        while 201 not in statuses:
            async with session.post(url, json={"author": "ann", "text": "back"}) as reply:
                statuses.append(reply.status)
                assert reply.status in (201, 503)
            await asyncio.sleep(0.1)

    posting = asyncio.create_task(post())
    await eventually(posting.done, BACK_WITHIN_S)
    await posting
    assert [cluster.pid(name) for name in names] == started
