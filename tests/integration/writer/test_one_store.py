"""Writers that would number the same videos in two stores: real processes, a real ZooKeeper."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from cluster.ca import DevelopmentCa
from coordination import MemberWatch, ZooKeeperSession
from service.tasks import TaskHome
from tests.cassandra_server import CassandraServer
from tests.integration.writer.writer_process import WriterProcess
from tests.keyspace import Keyspace
from tests.support import TIMEOUT_FACTOR
from tests.tcp_proxy import TcpProxy
from tests.zookeeper_server import ZooKeeperServer
from wire.roles import Role
from writer.new_epoch import renew_epoch

SESSION_S = 3.0  # so a refusal takes 9 s

New = Callable[..., WriterProcess]


@pytest.fixture
async def new(tmp_path: Path, own_zookeeper: ZooKeeperServer) -> AsyncIterator[New]:
    """`new("w1", "a")`: a writer with file a, not started; `zookeeper`: where else to find that;
    `more`: variables that come first.
    """
    ca = DevelopmentCa.new()
    async with AsyncExitStack() as stack:

        def new(name: str, store: str, zookeeper: str = "", **more: str) -> WriterProcess:
            variables = {
                "SQLITE_PATH": str(tmp_path / store),
                "ZOOKEEPER_SESSION_S": str(SESSION_S),
                "ADVERTISE_HOST": "127.0.0.1",
            }
            address = zookeeper or own_zookeeper.address
            writer = WriterProcess(ca, tmp_path, name, address, variables | more)
            stack.push_async_callback(writer.stop)
            return writer

        yield new


@pytest.fixture
async def seen(own_zookeeper: ZooKeeperServer) -> AsyncIterator[set[str]]:
    """The ids of all writers that were ever announced."""
    names: set[str] = set()

    def note(members: object) -> None:
        assert hasattr(members, "keys")
        names.update(members.keys())

    session, tasks = ZooKeeperSession(own_zookeeper.address), TaskHome()
    await session.start()
    tasks.spawn(MemberWatch(session, Role.WRITER, on_change=note).run(), "writers")
    yield names
    await tasks.aclose()
    await session.stop()


async def status(writer: WriterProcess) -> int:
    assert writer.process is not None
    return await asyncio.wait_for(writer.process.wait(), 60 * TIMEOUT_FACTOR)


async def ready_or_ended(writer: WriterProcess) -> int | None:
    """Its exit status, None once it is ready."""
    starting = asyncio.ensure_future(writer.start())
    while not starting.done():
        await asyncio.wait([starting], timeout=0.02)
        if writer.process is not None and writer.process.returncode is not None:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            return writer.process.returncode
    starting.result()
    return None


async def test_the_later_of_two_stores_is_refused(new: New, seen: set[str]) -> None:
    first, later = new("w1", "a"), new("w2", "b")
    await first.start()
    assert (await first.post("hello", "k"))[0] == 201
    later.process = await later.spawn()
    later.client = aiohttp.ClientSession()
    async with asyncio.timeout(20 * TIMEOUT_FACTOR):
        while "stores" not in (await first.state())["degraded"]:
            await asyncio.sleep(0.05)
    with pytest.raises(aiohttp.ClientConnectionError):
        await later.post("hello", "k")
    assert await status(later) == 2
    told = later.log.read_text()
    assert "configuration: writer w1 on 127.0.0.1 was here first and has another store" in told
    assert "Cassandra or DynamoDB" in told
    assert '"this_one": "waits"' in told or "this_one=waits" in told
    assert seen == {"w1"}
    async with asyncio.timeout(20 * TIMEOUT_FACTOR):
        while (await first.state())["degraded"].keys() & {"stores"}:
            await asyncio.sleep(0.05)
    assert (await first.post("hello", "k2"))[0] == 201


async def test_of_two_that_begin_at_once_exactly_one_goes_on(new: New) -> None:
    for attempt in range(2):
        writers = [new(f"w{attempt}-{store}", f"{store}{attempt}") for store in "ab"]
        found = await asyncio.gather(*map(ready_or_ended, writers))
        assert sorted(found, key=str) == [2, None]
        await asyncio.gather(*(writer.stop() for writer in writers))


async def test_two_keyspaces_are_two_stores(new: New, cassandra_server: CassandraServer) -> None:
    """A name that was misspelt on one host."""
    keyspaces = [Keyspace.new(cassandra_server) for _ in range(2)]
    first, later = (
        new(
            name,
            "unused",
            STORE="cassandra",
            CASSANDRA=f"{keyspace.host}:{keyspace.port}",
            CASSANDRA_KEYSPACE=keyspace.name,
        )
        for name, keyspace in zip(("w1", "w2"), keyspaces, strict=True)
    )
    assert await ready_or_ended(first) is None
    assert await ready_or_ended(later) == 2
    assert "writer w1 on 127.0.0.1 was here first" in later.log.read_text()


async def test_writers_with_one_file_start_together(new: New) -> None:
    writers = [new(name, "a") for name in ("w1", "w2", "w3")]
    await asyncio.gather(*(writer.start() for writer in writers))
    assert [(await writer.state())["degraded"].get("stores") for writer in writers] == [None] * 3


async def test_a_file_with_a_new_epoch_is_not_refused_for_the_dead(
    new: New, tmp_path: Path
) -> None:
    """Both were killed, so what they had is registered until their sessions end."""
    writers = [new(name, "a") for name in ("w1", "w2")]
    for writer in writers:
        await writer.start()
        await writer.end(signal.SIGKILL)
    renew_epoch(tmp_path / "a")
    await asyncio.gather(*(writer.start() for writer in writers))
    assert (await writers[0].post("hello", "k"))[0] == 201


async def test_stores_are_compared_once_zookeeper_is_there(
    new: New, own_zookeeper: ZooKeeperServer
) -> None:
    await own_zookeeper.kill()
    writers = [new("w1", "a"), new("w2", "b")]
    waiting = [asyncio.ensure_future(ready_or_ended(writer)) for writer in writers]
    async with asyncio.timeout(20 * TIMEOUT_FACTOR):
        while not all("store_opened" in read(writer) for writer in writers):
            await asyncio.sleep(0.05)
    assert not any(each.done() for each in waiting)
    await own_zookeeper.start()
    assert sorted(await asyncio.gather(*waiting), key=str) == [2, None]


def read(writer: WriterProcess) -> str:
    return writer.log.read_text() if writer.log.exists() else ""


async def test_one_that_runs_gives_way_to_an_older_one_that_was_cut_off(
    new: New, own_zookeeper: ZooKeeperServer
) -> None:
    async with TcpProxy(own_zookeeper.port) as proxy:
        first, later = new("w1", "a", proxy.address), new("w2", "b")
        await first.start()
        proxy.cut()
        await later.start()  # the session of the first has ended
        proxy.heal()
        assert await status(later) == 2
        assert "writer w1 on 127.0.0.1" in read(later)
        assert (await first.post("hello", "k"))[0] == 201


async def test_a_store_that_was_away_is_compared_when_it_is_there(new: New, tmp_path: Path) -> None:
    first, later = new("w1", "a"), new("w2", "away/b")
    await first.start()
    await later.start(reaching_its_store=False)
    assert "store" in (await later.state())["degraded"]
    (tmp_path / "away").mkdir()
    assert await status(later) == 2
    assert "writer w1" in read(later)


async def test_a_writer_of_an_earlier_version_is_not_asked(
    new: New, own_zookeeper: ZooKeeperServer
) -> None:
    """It is a member and claims no store."""
    session = ZooKeeperSession(own_zookeeper.address)
    await session.start()
    try:
        await session.ensure_path("/livecomments/members/writer")
        old = b'{"host":"127.0.0.1","port":7001,"boot_id":"000000000000001-00000000"}'
        await session.create("/livecomments/members/writer/w0", old, ephemeral=True)
        writer = new("w1", "a")
        await writer.start()
        assert "stores" not in (await writer.state())["degraded"]
    finally:
        await session.stop()
