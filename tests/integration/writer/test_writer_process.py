"""Whole writers: real processes, a real ZooKeeper, a dispatcher that listens."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from cluster.ca import DevelopmentCa
from coordination import Member, Membership, ZooKeeperSession, new_boot_id
from service.tasks import TaskHome
from tests.cassandra_server import CassandraServer
from tests.integration.writer.cassandra.support import item, opened
from tests.integration.writer.writer_process import WriterProcess
from tests.keyspace import Keyspace
from tests.link_stub import LinkStub
from tests.support import TIMEOUT_FACTOR, eventually, started
from tests.zookeeper_server import ZooKeeperServer
from wire.internal import Batch
from wire.roles import Role
from writer.cassandra.layout import BUCKET_SIZE


class World:
    """ZooKeeper, one announced dispatcher, two writers on one store (not started)."""

    def __init__(self, folder: Path, store: dict[str, str], zookeeper: ZooKeeperServer) -> None:
        ca = DevelopmentCa.new()
        self.folder = folder
        self.zookeeper = zookeeper
        self.dispatcher = LinkStub(Role.DISPATCHER, ca, folder, "d1")
        self.writers = [
            WriterProcess(ca, folder, name, self.zookeeper.address, store) for name in ("w1", "w2")
        ]
        self.tasks = TaskHome()

    async def start(self) -> None:
        await self.dispatcher.start()
        self.session = ZooKeeperSession(self.zookeeper.address)
        await self.session.start()
        peer = self.dispatcher.peer
        member = Member(Role.DISPATCHER, peer.id, peer.host, peer.port, new_boot_id())
        membership = Membership(self.session, member, on_superseded=lambda: None)
        self.tasks.spawn(membership.run(), "membership")
        await membership.wait_announced()

    async def stop(self) -> None:
        for writer in self.writers:
            await writer.stop()
        await self.tasks.aclose()
        await self.session.stop()
        await self.dispatcher.stop()


@pytest.fixture
async def world(
    tmp_path: Path, variables: dict[str, str], own_zookeeper: ZooKeeperServer
) -> AsyncIterator[World]:
    async with started(World(tmp_path, variables, own_zookeeper)) as world:
        yield world


only_on_sqlite = pytest.mark.parametrize("variables", ["on_sqlite"], indirect=True)
only_on_cassandra = pytest.mark.parametrize("variables", ["on_cassandra"], indirect=True)


async def stored(writer: WriterProcess, video: str = "v") -> list[tuple[int, str]]:
    """Number and text of all comments, read page by page."""
    page = await writer.get(f"/v1/videos/{video}/comments?limit=1")
    epoch, head = page["head"].split("-")
    comments: list[tuple[int, str]] = []
    while len(comments) < int(head):
        after = f"{epoch}-{len(comments)}"
        page = await writer.get(f"/v1/videos/{video}/comments?limit=200&after={after}")
        assert page["comments"]
        comments += [(comment["seq"], comment["text"]) for comment in page["comments"]]
    return comments


async def test_a_post_is_stored_and_reaches_the_dispatcher(world: World) -> None:
    writer = world.writers[0]
    await writer.start()
    status, comment = await writer.post("hello", "k")
    assert (status, comment["seq"]) == (201, 1)
    await eventually(lambda: world.dispatcher.seqs == [1])
    (request,) = world.dispatcher.requests
    assert request[0].epoch == comment["id"].split("-")[0]
    state = await writer.state()
    assert (state["role"], state["id"], state["ready"]) == ("writer", "w1", True)
    assert (state["degraded"], state["zookeeper"]) == ({}, "connected")
    assert state["queues"]["dispatch"] == 0
    assert state["dispatchers"] == ["d1"]


@only_on_sqlite
async def test_posts_go_on_without_zookeeper_and_it_shows(world: World) -> None:
    writer = world.writers[0]
    await writer.start()
    await world.zookeeper.kill()
    assert (await writer.post("hello", "k"))[0] == 201
    await eventually(lambda: world.dispatcher.seqs == [1])
    async with asyncio.timeout(20):
        while "zookeeper" not in (await writer.state())["degraded"]:
            await asyncio.sleep(0.05)
    assert (await writer.state())["ready"]


async def test_a_killed_writer_loses_nothing_that_it_promised(world: World) -> None:
    """Clients that send the same key again, to the other writer too, get one comment each."""
    for writer in world.writers:
        await writer.start()
    acked: dict[str, int] = {}
    stopping = asyncio.Event()

    async def client(name: int) -> None:
        turns = itertools.cycle(world.writers if name % 2 else world.writers[::-1])
        for number in itertools.count():
            key = f"{name}-{number}"
            while key not in acked:
                try:
                    status, body = await next(turns).post(key, key)
                except aiohttp.ClientError:
                    await asyncio.sleep(0.01)
                    continue
                assert status in (200, 201, 503), body
                if status != 503:
                    acked[key] = body["seq"]
            if stopping.is_set():
                return

    clients = [asyncio.ensure_future(client(name)) for name in range(8)]
    for writer in world.writers * 2:
        wanted = len(acked) + 200
        await eventually(lambda wanted=wanted: len(acked) >= wanted, 60)
        await writer.end(signal.SIGKILL)
        await writer.start()
    stopping.set()
    await asyncio.gather(*clients)
    comments = await stored(world.writers[0])
    assert [seq for seq, _ in comments] == list(range(1, len(comments) + 1))
    assert {text: seq for seq, text in comments} == acked
    assert len(comments) == len(acked)


async def test_a_writer_that_is_asked_to_stop_finishes_its_work(world: World) -> None:
    writer = world.writers[0]
    await writer.start()
    acked: list[int] = []

    async def client(name: int) -> None:
        for number in itertools.count():
            try:
                status, body = await writer.post("x", f"{name}-{number}")
            except aiohttp.ClientConnectionError:  # it does not listen, or never read this
                return
            assert status == 201
            acked.append(body["seq"])

    clients = [asyncio.ensure_future(client(name)) for name in range(4)]
    await eventually(lambda: len(acked) > 50)
    assert await writer.end(signal.SIGTERM) == 0
    await asyncio.gather(*clients)
    assert sorted(acked) == list(range(1, len(acked) + 1))
    assert sorted(
        seq for request in world.dispatcher.requests for seq in spread(request)
    ) == sorted(acked)


def spread(request: tuple[Batch, ...]) -> list[int]:
    return [seq for batch in request for seq in range(batch.first_seq, batch.last_seq + 1)]


@only_on_sqlite
async def test_a_writer_whose_file_was_replaced_ends(world: World) -> None:
    writer = world.writers[0]
    await writer.start()
    await writer.post("hello", "k")
    for path in world.folder.glob("comments.db*"):
        path.unlink()
    assert writer.process is not None
    assert await asyncio.wait_for(writer.process.wait(), 20) == 1
    await writer.start()
    assert (await writer.post("hello", "k"))[1]["seq"] == 1  # another epoch, another store


async def post_until_stored(world: World, key: str) -> int:
    """To the one writer and then the other, with the same key, as a client would; its number."""
    async with asyncio.timeout(60 * TIMEOUT_FACTOR):
        for writer in itertools.cycle(world.writers):
            try:
                status, body = await writer.post(key, key)
            except aiohttp.ClientError:
                await asyncio.sleep(0.01)
                continue
            if status in (200, 201):
                return int(body["seq"])
            assert status == 503, body
            await asyncio.sleep(0.05)
    raise AssertionError


@pytest.mark.parametrize("point", ["before_commit", "in_commit", "after_commit", "before_reply"])
async def test_a_writer_killed_around_a_commit_stores_each_comment_once(
    world: World, point: str
) -> None:
    first, second = world.writers
    await first.start(FAILPOINT=f"writer.{point}:kill@3")
    await second.start()
    numbers = [await post_until_stored(world, f"k{number}") for number in range(6)]
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert first.process is not None
    assert first.process.returncode is not None
    assert [text for _, text in await stored(second)] == [f"k{number}" for number in range(6)]


@only_on_cassandra
async def test_a_writer_killed_at_the_edge_of_a_bucket_leaves_no_hole(
    world: World, cassandra_server: CassandraServer
) -> None:
    """19,999 to 20,002: the group is cut after 20,000, and the writer dies right there."""
    keyspace = Keyspace.shared(cassandra_server)
    async with opened(keyspace) as store:
        head = BUCKET_SIZE - 2
        for begin in range(0, head, 500):
            await store.append("v", [item("x")] * min(500, head - begin))
    first, second = world.writers
    await first.start(FAILPOINT="writer.before_commit:pause,writer.at_edge:kill")
    await second.start()
    keys = [f"k{number}" for number in range(4)]
    await first.send_post(keys[0])
    await first.paused()
    for key in keys[1:]:
        await first.send_post(key)
    # The first one goes alone; the others find it under way and are the next group.
    assert await first.end(signal.SIGCONT) != 0
    async with opened(keyspace) as store:
        assert await store.heads(["v"]) == {"v": BUCKET_SIZE}
    numbers = [await post_until_stored(world, key) for key in keys]
    assert numbers == [BUCKET_SIZE - 1, BUCKET_SIZE, BUCKET_SIZE + 1, BUCKET_SIZE + 2]
    async with opened(keyspace) as store:
        page = await store.range("v", head, head + 10)
        assert (page.first_seq, len(page.comments), page.head) == (head + 1, 4, head + 4)
