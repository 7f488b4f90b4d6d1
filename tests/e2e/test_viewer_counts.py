"""How many watch, on every topology: what viewers are told, and whoever asks."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack, suppress

import aiohttp
import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError, NotEmptyError

from cluster.cluster import Cluster
from cluster.parts import Kind
from cluster.servers import zookeeper
from tests.chaos.history import Watch
from tests.e2e.contract import ANOTHER_NODE, needs, servers, watching, writers
from tests.e2e.parts import figure, served_by
from tests.support import eventually
from wire.topology import Topology

TOPOLOGIES = tuple(Topology)
SMALL = True


class Asker:
    """Who asks how many watch a video."""

    def __init__(self, cluster: Cluster, session: aiohttp.ClientSession) -> None:
        self.video_id = secrets.token_hex(6)
        self._cluster, self._session = cluster, session

    async def ask(self, at: str = Kind.HAPROXY) -> tuple[int, int] | str:
        """Now and peak, or the code of a problem."""
        base = self._cluster.http_url if at == Kind.HAPROXY else self._cluster.url(at, "public")
        headers = {"Connection": "close"}  # it may be killed and started before the next call
        url = f"{base}/v1/videos/{self.video_id}/viewers"
        async with self._session.get(url, headers=headers) as reply:
            body = await reply.json()
            if reply.status != 200:
                return str(body["code"])
            assert body["video_id"] == self.video_id
            return body["now"], body["peak"]

    async def wait_for(self, now: int, peak: int | None = None) -> None:
        """Until all writers say so. No peak: any; who leaves at once may have been in none."""
        for at in [Kind.HAPROXY, *writers(self._cluster)]:
            for _ in range(300):
                told = await self.ask(at)
                if told[0] == now and peak in (None, told[1]):
                    break
                await asyncio.sleep(0.1)
            assert told[0] == now, (at, told)
            assert peak in (None, told[1]), (at, told)


@pytest.fixture
def asker(cluster: Cluster, session: aiohttp.ClientSession) -> Asker:
    return Asker(cluster, session)


def told(watch: Watch) -> tuple[int, int] | None:
    return watch.counts[-1][1:] if watch.counts else None


async def test_all_who_watch_are_counted_wherever_they_are(cluster: Cluster, asker: Asker) -> None:
    await asker.wait_for(0, 0)
    async with AsyncExitStack() as stack:
        watches = [
            await stack.enter_async_context(watching(cluster, asker.video_id, at=at))
            for at in [Kind.HAPROXY, *servers(cluster), *servers(cluster)]
        ]
        count = len(watches)
        await eventually(lambda: all(told(watch) == (count, count) for watch in watches))
        await asker.wait_for(count, count)
        assert {served_by(watch) for watch in watches} == set(servers(cluster))
        async with watching(cluster, asker.video_id) as late:
            more = count + 1
            await eventually(lambda: all(told(w) == (more, more) for w in [*watches, late]))
        await eventually(lambda: all(told(watch) == (count, more) for watch in watches))
        await asker.wait_for(count, more)
    await asker.wait_for(0, count + 1)
    assert all(1 <= now <= peak for watch in watches for _, now, peak in watch.counts)


async def test_a_killed_server_takes_its_viewers_out_of_the_count(
    cluster: Cluster, asker: Asker
) -> None:
    names = servers(cluster)
    async with AsyncExitStack() as stack:
        watches = [
            await stack.enter_async_context(watching(cluster, asker.video_id)) for _ in range(6)
        ]
        await asker.wait_for(6, 6)
        name = served_by(watches[0])
        await cluster.kill(name)
        if len(names) == 1:
            await cluster.start(name)
        await eventually(
            lambda: all(len(watch.streams) > 1 or served_by(watch) != name for watch in watches), 30
        )
        await asker.wait_for(6, 6)  # once, also in the peak
        await eventually(lambda: all(told(watch) == (6, 6) for watch in watches))
        assert all(watch.counts[-1][1] == 6 for watch in watches)
        await cluster.start(name)
        await asker.wait_for(6, 6)


async def test_writers_that_begin_anew_say_nothing_before_they_know(
    cluster: Cluster, asker: Asker
) -> None:
    """And what they say then is what the others said, as far as a node was told."""
    async with watching(cluster, asker.video_id) as watch:
        async with watching(cluster, asker.video_id):
            await asker.wait_for(2, 2)
        await asker.wait_for(1, 2)
        await eventually(lambda: told(watch) == (1, 2))
        for name in writers(cluster):
            await cluster.kill(name)
        for name in writers(cluster):
            await cluster.start(name)
        answers = {await asker.ask() for _ in range(10)}
        possible = {(1, 2), (1, 1), "counts_unknown", "unavailable"}
        in_one = writers(cluster) == servers(cluster)
        if in_one:  # its viewer was cut off too, and nobody remembers the peak
            possible.add((0, 0))
        assert answers <= possible
        await asker.wait_for(1, 1 if in_one else 2)
        await eventually(lambda: watch.counts[-1][1] == 1)


async def test_a_drained_server_does_not_count_any_more(cluster: Cluster, asker: Asker) -> None:
    needs(cluster, ANOTHER_NODE)
    async with AsyncExitStack() as stack:
        watches = [
            await stack.enter_async_context(watching(cluster, asker.video_id)) for _ in range(4)
        ]
        await asker.wait_for(4, 4)
        assert await cluster.drain(served_by(watches[0]))
        await asker.wait_for(4, 4)
        await cluster.start(served_by(watches[0]))


async def test_a_server_that_nobody_watches_is_known_to_no_writer(
    cluster: Cluster, asker: Asker
) -> None:
    """It has said so, and says nothing any more. Viewers of other tests may still be leaving."""
    async with watching(cluster, asker.video_id):
        await asker.wait_for(1, 1)
    for name in writers(cluster):
        for _ in range(300):
            nodes = await figure(cluster, name, "livecomments_counted_nodes")
            if not nodes:
                break
            await asyncio.sleep(0.1)
        assert (nodes, await figure(cluster, name, "livecomments_counted_viewers")) == (0, 0)


async def test_viewers_who_come_and_go_write_nothing_to_zookeeper(
    cluster: Cluster, asker: Asker
) -> None:
    """While somebody watches at each server, so that nobody is the first there, or the last."""
    async with AsyncExitStack() as stack:
        names = servers(cluster)
        for name in names:
            await stack.enter_async_context(watching(cluster, asker.video_id, at=name))
        await asker.wait_for(len(names))
        await asyncio.to_thread(sweep, cluster)
        before = await wait_written(cluster)
        for _ in range(3):
            async with AsyncExitStack() as more:
                for name in [*names, *names]:
                    await more.enter_async_context(watching(cluster, asker.video_id, at=name))
                await asker.wait_for(3 * len(names))
            await asker.wait_for(len(names))
        assert await wait_written(cluster) == before


def sweep(cluster: Cluster) -> None:
    """Remove what killed nodes have left; dispatchers do it at any time, which is a write."""
    found = [part.name for part in cluster.parts if part.kind is Kind.ZOOKEEPER]
    if not found:
        return
    addresses = (cluster.address(name, "client") for name in found)
    client = KazooClient(",".join(f"{host}:{port}" for host, port in addresses))
    client.start()
    try:
        for video_id in client.get_children("/livecomments/videos"):
            with suppress(NotEmptyError, NoNodeError):
                client.delete(f"/livecomments/videos/{video_id}")
    finally:
        client.stop()
        client.close()


async def wait_written(cluster: Cluster) -> list[int]:
    """The newest transaction of each ZooKeeper, once nothing of other videos is registered."""
    found = [part.name for part in cluster.parts if part.kind is Kind.ZOOKEEPER]
    for name in servers(cluster) if found else []:
        for _ in range(300):
            if await figure(cluster, name, "livecomments_registrations") == 1:
                break
            await asyncio.sleep(0.1)
        assert await figure(cluster, name, "livecomments_registrations") == 1
    told = [await zookeeper.ask(*cluster.address(name, "client"), "srvr") for name in found]
    return [
        int(line.split()[1], 16)
        for text in told
        for line in text.splitlines()
        if line.startswith("Zxid:")
    ]
