from __future__ import annotations

import asyncio
import struct
import threading
import time
from typing import NamedTuple

import pytest

from cluster.ports import free_ports
from coordination import (
    Create,
    Delete,
    MultiRefused,
    NodeExists,
    NoNode,
    NotEmpty,
    NotSent,
    OutcomeUnknown,
    Paths,
    Refused,
    ZooKeeperAway,
    ZooKeeperSession,
)
from tests.integration.coordination.conftest import (
    SHORT_SESSION_S,
    Connect,
    Expire,
    SessionOn,
    kazoo_of,
)
from tests.support import eventually
from tests.tcp_proxy import TcpProxy
from tests.zookeeper_server import ZooKeeperServer


@pytest.fixture
async def session(zookeeper: ZooKeeperServer, session_on: SessionOn) -> ZooKeeperSession:
    return await session_on(zookeeper)


async def test_a_znode_is_made_read_listed_and_removed(
    session: ZooKeeperSession, paths: Paths
) -> None:
    await session.create(paths.video("v"), b"data")
    data, stat = await session.get(paths.video("v"))
    assert (data, stat.owner, stat.children) == (b"data", 0, 0)
    assert await session.get_children(paths.videos) == ["v"]
    await session.delete(paths.video("v"))
    assert await session.exists(paths.video("v")) is None


async def test_an_ephemeral_znode_names_its_session(
    zookeeper: ZooKeeperServer, connect: Connect, paths: Paths
) -> None:
    session = await connect(zookeeper.address)
    await session.create(paths.root, ephemeral=True)
    stat = await session.exists(paths.root)
    assert stat is not None
    assert stat.owner == session.session_id != 0


async def test_refusals_are_told_apart(session: ZooKeeperSession, paths: Paths) -> None:
    with pytest.raises(NodeExists):
        await session.create(paths.videos)
    with pytest.raises(NoNode):
        await session.delete(paths.video("v"))
    with pytest.raises(NotEmpty):
        await session.delete(paths.root)


async def test_a_refused_transaction_names_the_failed_op_and_changes_nothing(
    session: ZooKeeperSession, paths: Paths
) -> None:
    with pytest.raises(MultiRefused) as caught:
        await session.multi(
            [Create(paths.video("a")), Delete(paths.video("b")), Create(paths.video("c"))]
        )
    assert (caught.value.index, type(caught.value.cause)) == (1, NoNode)
    assert await session.get_children(paths.videos) == []


async def test_many_znodes_are_read_in_one_request(session: ZooKeeperSession, paths: Paths) -> None:
    await session.create(paths.video("a"), b"x")
    await session.create(paths.registration("a", "n1"), ephemeral=True)
    both = [paths.video("a"), paths.video("b")]
    assert await session.get_children_of_many(both) == [["n1"], None]
    found, missing = await session.get_many(both)
    assert found is not None
    data, stat = found
    assert (data, stat.children, missing) == (b"x", 1, None)
    owned = (await session.get_many([paths.registration("a", "n1")]))[0]
    assert owned == (b"", await session.exists(paths.registration("a", "n1")))


async def test_watches_tell_their_path(session: ZooKeeperSession, paths: Paths) -> None:
    seen: list[str] = []
    session.on_event(paths.root, seen.append)
    await session.exists(paths.video("a"), watch=True)
    await session.get_children(paths.videos, watch=True)
    await session.create(paths.video("a"))
    await eventually(lambda: sorted(seen) == [paths.videos, paths.video("a")])


async def test_removed_watches_tell_nothing_and_others_stay(
    session: ZooKeeperSession, paths: Paths
) -> None:
    await session.create(paths.video("a"))
    seen: list[str] = []
    session.on_event(paths.root, seen.append)
    for video_id in ("a", "b"):  # the one is there, the other is not
        await session.exists(paths.video(video_id), watch=True)
    await session.get_children(paths.video("a"), watch=True)
    await session.get_children(paths.videos, watch=True)
    for video_id in ("a", "b", "never watched"):
        await session.remove_watches(paths.video(video_id))
    await session.create(paths.registration("a", "n1"))
    await session.create(paths.video("b"))
    await eventually(lambda: seen)
    assert seen == [paths.videos]
    assert not kazoo_of(session)._child_watchers
    assert not kazoo_of(session)._data_watchers


async def test_a_watch_that_is_left_while_another_is_removed_stays(
    session: ZooKeeperSession, paths: Paths
) -> None:
    await session.create(paths.video("a"))
    seen: list[str] = []
    session.on_event(paths.root, seen.append)
    for number in range(100):
        await asyncio.gather(
            session.remove_watches(paths.video("a")),
            session.get_children(paths.video("a"), watch=True),
        )
        await session.create(paths.registration("a", f"n{number}"))
        await eventually(lambda number=number: len(seen) == number + 1)


async def test_start_waits_for_a_server_and_can_be_cancelled() -> None:
    (port,) = free_ports(1)
    session = ZooKeeperSession(f"127.0.0.1:{port}", session_timeout_s=2)
    with pytest.raises(ZooKeeperAway):
        await session.start(timeout_s=0.3)
    starting = asyncio.create_task(session.start())
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await session.stop()
    await session.stop()


async def test_requests_fail_at_once_without_a_connection(
    own_zookeeper: ZooKeeperServer, connect: Connect
) -> None:
    session = await connect(own_zookeeper.address)
    await own_zookeeper.stop()
    await eventually(lambda: not session.connected)
    started = time.monotonic()
    # Twice what the socket pair inside kazoo holds: none of them may reach it.
    results = await asyncio.gather(
        *(session.exists("/") for _ in range(600)), return_exceptions=True
    )
    assert all(isinstance(result, NotSent) for result in results)
    assert time.monotonic() - started < 5  # a loop that waits for kazoo would wait for ever


async def test_requests_in_flight_end_with_the_connection(
    zookeeper: ZooKeeperServer, connect: Connect
) -> None:
    async with TcpProxy(zookeeper.port) as proxy:
        session = await connect(proxy.address, 20.0)  # kazoo gives up after a third of it
        proxy.blackhole()
        requests = [asyncio.create_task(session.exists("/")) for _ in range(300)]
        await eventually(lambda: session.in_flight == 128)
        proxy.cut()
        results = await asyncio.gather(*requests, return_exceptions=True)
        assert {type(result) for result in results} == {OutcomeUnknown, NotSent}
        proxy.heal()
        await eventually(lambda: session.connected)
        await session.exists("/")


class Odd(NamedTuple):
    """A request that ZooKeeper answers, and what kazoo is to make of it fails."""

    type: int = 3  # exists
    broken: str = "deserialize"

    def serialize(self) -> bytes:
        if self.broken == "serialize":
            raise ValueError("not today")
        return struct.pack("!i1s?", 1, b"/", False)

    @staticmethod
    def deserialize(reply: bytes, offset: int) -> None:
        struct.unpack_from("!100q", reply, offset)


async def test_a_reply_that_kazoo_cannot_read_is_refused(
    zookeeper: ZooKeeperServer, connect: Connect
) -> None:
    session = await connect(zookeeper.address)
    with pytest.raises(Refused, match="unpack_from"):
        await session._request(lambda client: client.begin(Odd()))
    with pytest.raises(Refused, match="division"):
        await session._request(lambda _: 1 / 0)
    assert await session.exists("/") is not None
    assert session.in_flight == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_session_begins_anew_when_kazoos_thread_has_died(
    zookeeper: ZooKeeperServer, connect: Connect
) -> None:
    session = await connect(zookeeper.address)
    told: list[bool] = []
    session.on_connected(told.append)
    threads = threading.active_count()
    with pytest.raises(OutcomeUnknown):
        await session._request(lambda client: client.begin(Odd(broken="serialize")))
    await eventually(lambda: told == [True])
    assert await session.exists("/") is not None
    await eventually(lambda: threading.active_count() <= threads)


async def test_a_short_cut_keeps_the_session_and_is_not_away(
    zookeeper: ZooKeeperServer, connect: Connect
) -> None:
    async with TcpProxy(zookeeper.port) as proxy:
        session = await connect(proxy.address, 20.0)
        new: list[bool] = []
        before = session.session_id
        session.on_connected(new.append)
        proxy.cut()
        await eventually(lambda: not session.connected)
        assert session.state == "connected"
        proxy.heal()
        await eventually(lambda: session.connected)
        assert (session.session_id, new) == (before, [False])


async def test_away_is_told_by_our_own_timer_long_before_kazoo_knows(
    own_zookeeper: ZooKeeperServer, connect: Connect
) -> None:
    session = await connect(own_zookeeper.address, SHORT_SESSION_S)
    told = asyncio.Event()
    session.on_away(told.set)
    await own_zookeeper.kill()
    await asyncio.wait_for(told.wait(), 10)
    assert session.state == "away"
    await own_zookeeper.start()
    await eventually(lambda: session.state == "connected")


async def test_an_expired_session_is_replaced_by_a_new_one(
    zookeeper: ZooKeeperServer, connect: Connect, expire: Expire
) -> None:
    session = await connect(zookeeper.address)
    new: list[bool] = []
    before = session.session_id
    session.on_connected(new.append)
    await expire(session)
    # On a busy machine it takes its session back once before it is ended: see `end_session`.
    await eventually(lambda: True in new)
    assert new.count(True) == 1
    assert session.session_id != before
    await session.exists("/")


async def test_a_blackholed_server_is_noticed_by_an_idle_client(
    zookeeper: ZooKeeperServer, connect: Connect
) -> None:
    async with TcpProxy(zookeeper.port) as proxy:
        session = await connect(proxy.address, SHORT_SESSION_S)
        proxy.blackhole()
        await eventually(lambda: not session.connected)
        proxy.heal()
        await eventually(lambda: session.connected)


async def test_a_blackholed_server_is_noticed_by_a_busy_client(
    zookeeper: ZooKeeperServer, connect: Connect
) -> None:
    """kazoo's own ping never comes when there is always something to send."""
    async with TcpProxy(zookeeper.port) as proxy:
        session = await connect(proxy.address, SHORT_SESSION_S)
        proxy.blackhole()
        requests: list[asyncio.Task[object]] = []
        due = time.monotonic()

        def send_and_look() -> bool:
            nonlocal due
            # Not so many that the bound on what is in flight leaves kazoo with nothing to send.
            if time.monotonic() >= due:
                due = time.monotonic() + 0.05
                requests.append(asyncio.create_task(session.exists("/")))
            return not session.connected

        await eventually(send_and_look)
        assert session.stats.drops == 1
        await asyncio.gather(*requests, return_exceptions=True)
        proxy.heal()
        await eventually(lambda: session.connected)


async def test_stop_is_quick_when_the_server_does_not_answer(
    own_zookeeper: ZooKeeperServer,
) -> None:
    session = ZooKeeperSession(own_zookeeper.address, session_timeout_s=6)
    await session.start()
    own_zookeeper.pause()
    started = time.monotonic()
    await session.stop()
    assert time.monotonic() - started < 9  # kazoo's own stop takes 10 s at least
    own_zookeeper.resume()


async def test_threads_do_not_grow_with_sessions_lost(
    zookeeper: ZooKeeperServer, connect: Connect, expire: Expire
) -> None:
    session = await connect(zookeeper.address)
    await expire(session)  # once before we count: what is started at need has been started then
    await eventually(lambda: session.stats.sessions == 2 and session.connected)
    before = threading.active_count()
    for round_number in range(5):
        await expire(session)
        await eventually(lambda: session.stats.sessions == round_number + 3 and session.connected)  # noqa: B023
    # Five sessions lost, and not one thread for each: the loop's own pool may have grown by a few.
    await eventually(lambda: threading.active_count() < before + 5)


async def test_a_server_that_began_anew_is_taken_for_what_it_is(
    own_zookeeper: ZooKeeperServer, connect: Connect
) -> None:
    """It has less than we have seen, and would refuse us for ever."""
    session = await connect(own_zookeeper.address, SHORT_SESSION_S)
    await session.ensure_path("/a/b")
    await own_zookeeper.kill()
    own_zookeeper.discard_data()
    await own_zookeeper.start()
    await eventually(lambda: session.stats.sessions == 2)
    assert await session.exists("/a") is None
