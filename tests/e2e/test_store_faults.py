"""Cassandra, or what stands in for DynamoDB, killed, frozen, away at the start, or not heard: posts
are refused honestly, streams stay, nothing is lost, and all comes back without a start of ours
(T23, T24, T26).
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import aiohttp
import pytest

from cluster.cluster import Cluster
from tests.bounds import record
from tests.chaos.judged import conclude
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.e2e.test_faults import WARM_UP, eventually_503
from tests.support import TIMEOUT_FACTOR, eventually
from tests.tcp_proxy import Direction, TcpProxy

STORES = ("cassandra", "dynamodb")
pytestmark = pytest.mark.timeout(300)  # each starts Cassandra again, which takes its time
RATE = 50
SHAPE = Shape(viewers=60, videos=8, rate=RATE, churn_s=0)
BACK_WITHIN_S = 10.0  # the driver tries again every half second, as a post does
FROZEN_S = 10.0
SETTLED_S = 4.0  # until what was left open is read back or sent again


@dataclass(frozen=True)
class Server:
    """A store as a part of the cluster."""

    part: str
    port: str
    variable: str
    address: str

    @classmethod
    def of(cls, cluster: Cluster) -> Server:
        """The cluster's."""
        if cluster.settings.store == "dynamodb":
            return cls("dynalite", "client", "DYNAMODB_ENDPOINT", "http://{}")
        return cls("cassandra-1", "cql", "CASSANDRA", "{}")


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
    store = Server.of(cluster).part
    writers = [cluster.pid(name) for name in ("writer-1", "writer-2")]
    async with Load.on(cluster, SHAPE) as load:
        await load.wait_for_posts(WARM_UP)
        async with load.trouble(f"{store} killed", BACK_WITHIN_S):
            await cluster.kill(store)
            await refused(cluster, session)
            await cluster.start(store)
        await load.wait_for_posts(3 * RATE, 60)
        assert moved(load) == []
        await conclude("T26", load)
    assert [cluster.pid(name) for name in ("writer-1", "writer-2")] == writers


async def test_a_frozen_store_costs_time_only(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    store = Server.of(cluster).part
    async with Load.on(cluster, SHAPE) as load:
        await load.wait_for_posts(WARM_UP)
        async with load.trouble(f"{store} frozen", BACK_WITHIN_S):
            cluster.pause(store)
            await asyncio.sleep(FROZEN_S)  # the length of the fault
            cluster.resume(store)
        await load.wait_for_posts(3 * RATE, 60)
        assert moved(load) == []
        await conclude("T26", load)


@pytest.mark.parametrize("applied", [True, False], ids=["answers lost", "commits lost"])
async def test_commits_that_are_not_answered_are_one_comment_each(
    cluster: Cluster, applied: bool
) -> None:
    """Answers get lost, or what was sent never arrives; the writers find out which it was."""
    if cluster.settings.runtime == "docker":
        pytest.skip("because containers do not reach a proxy on this machine's loopback")
    store = Server.of(cluster)
    host, port = cluster.address(store.part, store.port)
    async with TcpProxy(port, host) as proxy:
        try:
            await restart_writers(cluster, store, proxy.address)
            async with Load.on(cluster, SHAPE) as load:
                await load.wait_for_posts(WARM_UP)
                async with load.trouble("no answers", SETTLED_S):
                    for _ in range(10):
                        await (lose_an_answer(proxy) if applied else lose_commits(proxy))
                await asyncio.sleep(SETTLED_S * TIMEOUT_FACTOR)  # from here on nothing is late
                await load.wait_for_posts(3 * RATE, 60)
                await conclude("T23" if applied else "T24", load)
        finally:
            await restart_writers(cluster, store, f"{host}:{port}")


async def lose_an_answer(proxy: TcpProxy) -> None:
    lost = proxy.lost_replies
    proxy.lose_reply()
    await eventually(lambda: proxy.lost_replies > lost)
    await asyncio.sleep(0.3)  # the connection is made again


async def lose_commits(proxy: TcpProxy) -> None:
    proxy.blackhole(frozenset({Direction.TO_SERVER}))
    await asyncio.sleep(0.2)
    proxy.reset()
    proxy.heal()
    await asyncio.sleep(0.3)


async def restart_writers(cluster: Cluster, store: Server, at: str) -> None:
    cluster.set_environment("writer", **{store.variable: store.address.format(at)})
    for name in ("writer-1", "writer-2"):
        await cluster.stop(name)
    await cluster.up()


async def test_writers_that_start_without_their_store_wait_for_it(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    """A writer is ready, and says what it does without; no start is needed when the store is."""
    names, store = ("writer-1", "writer-2"), Server.of(cluster).part
    await asyncio.gather(*(cluster.stop(name) for name in (*names, store)))
    await asyncio.gather(*(cluster.start(name) for name in names))
    await refused(cluster, session)
    started = [cluster.pid(name) for name in names]
    await cluster.start(store)
    url = f"{cluster.http_url}/v1/videos/v1/comments"
    statuses: list[int] = []

    async def post() -> None:
        while 201 not in statuses:
            async with session.post(url, json={"author": "ann", "text": "back"}) as reply:
                statuses.append(reply.status)
                assert reply.status in (201, 503)
            await asyncio.sleep(0.1)

    started_at, posting = time.monotonic(), asyncio.create_task(post())
    await eventually(posting.done, 60)  # a store that has just been started makes its tables first
    await posting
    took_s = time.monotonic() - started_at
    record(f"writers that started without {store}: back {took_s:.1f} s after it")
    assert [cluster.pid(name) for name in names] == started
