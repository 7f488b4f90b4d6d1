from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from coordination import Member, Membership, MemberWatch, Paths, ZooKeeperSession
from tests.integration.coordination.conftest import (
    SESSION_S,
    SHORT_SESSION_S,
    Background,
    Connect,
    Expire,
    kazoo_of,
)
from tests.support import eventually
from tests.tcp_proxy import TcpProxy
from tests.zookeeper_server import ZooKeeperServer
from wire.roles import Role

OLD_BOOT, BOOT, NEWER_BOOT = (f"{number:015d}-00000000" for number in (1, 2, 3))
WRITER = Member(Role.WRITER, "w1", "127.0.0.1", 7001, BOOT, "1.0")


class Process:
    """A session with its membership."""

    def __init__(self, session: ZooKeeperSession, member: Member, paths: Paths) -> None:
        self.session = session
        self.superseded = asyncio.Event()
        self.membership = Membership(
            session, member, on_superseded=self.superseded.set, paths=paths
        )


Announce = Callable[..., Awaitable[Process]]
StartWatch = Callable[..., Awaitable[MemberWatch]]


@pytest.fixture
async def announce(
    zookeeper: ZooKeeperServer, connect: Connect, background: Background, paths: Paths
) -> Announce:
    async def announce(
        member: Member = WRITER, address: str = "", session_s: float = SESSION_S
    ) -> Process:
        session = await connect(address or zookeeper.address, session_s)
        process = Process(session, member, paths)
        background(process.membership.run())
        await asyncio.wait_for(process.membership.wait_announced(), 10)
        return process

    return announce


@pytest.fixture
async def watch(
    zookeeper: ZooKeeperServer, connect: Connect, background: Background, paths: Paths
) -> StartWatch:
    async def watch(address: str = "") -> MemberWatch:
        watch = MemberWatch(await connect(address or zookeeper.address), Role.WRITER, paths=paths)
        background(watch.run())
        await asyncio.wait_for(watch.wait_read(), 10)
        return watch

    return watch


async def test_members_are_seen_as_they_come_and_go(announce: Announce, watch: StartWatch) -> None:
    seen = await watch()
    assert seen.members == {}
    process = await announce()
    await eventually(lambda: seen.members == {"w1": WRITER})
    await process.membership.withdraw()
    await eventually(lambda: seen.members == {})
    assert not process.membership.announced


async def test_a_member_is_announced_again_in_a_new_session(
    announce: Announce, watch: StartWatch, expire: Expire
) -> None:
    seen, process = await watch(), await announce()
    before = process.session.session_id
    await expire(process.session)
    await eventually(lambda: process.session.session_id != before)
    await eventually(lambda: process.membership.announced)
    await eventually(lambda: seen.members == {"w1": WRITER})


async def test_a_member_that_an_operator_removed_is_announced_again(
    announce: Announce, paths: Paths
) -> None:
    process = await announce()
    await process.session.delete(paths.member(Role.WRITER, "w1"))
    await eventually(lambda: process.membership.announcements == 2)
    await eventually(lambda: process.membership.announced)


async def test_a_quick_restart_at_another_address_is_seen(
    announce: Announce, watch: StartWatch
) -> None:
    seen, process = await watch(), await announce()
    await eventually(lambda: "w1" in seen.members)
    await process.session.stop()
    moved = msgspec.structs.replace(WRITER, port=7002, boot_id=NEWER_BOOT)
    await announce(moved)
    await eventually(lambda: seen.members == {"w1": moved})


async def test_a_restarted_process_takes_over_and_stays_when_the_old_session_expires(
    announce: Announce, watch: StartWatch, zookeeper: ZooKeeperServer
) -> None:
    async with TcpProxy(zookeeper.port) as proxy:
        seen = await watch()
        older = msgspec.structs.replace(WRITER, boot_id=OLD_BOOT)
        old = await announce(older, proxy.address, SHORT_SESSION_S)
        proxy.blackhole()
        await announce()
        await eventually(lambda: seen.members == {"w1": WRITER})
        reads = seen.reads
        await eventually(lambda: not old.session.connected)
        proxy.heal()
        await asyncio.wait_for(old.superseded.wait(), 20)
        await old.session.stop()
        await eventually(lambda: seen.members == {"w1": WRITER} and seen.reads >= reads)


async def test_an_older_life_that_is_still_there_is_told_and_stays_away(announce: Announce) -> None:
    old = await announce(msgspec.structs.replace(WRITER, boot_id=OLD_BOOT))
    new = await announce()
    await asyncio.wait_for(old.superseded.wait(), 20)
    assert not old.membership.announced
    assert new.membership.announced
    assert not new.superseded.is_set()


async def test_a_fresh_process_wins_even_if_the_clock_went_back(announce: Announce) -> None:
    old = await announce(msgspec.structs.replace(WRITER, boot_id=NEWER_BOOT))
    await old.session.stop()
    await announce(msgspec.structs.replace(WRITER, boot_id=OLD_BOOT))


async def test_junk_is_ignored_and_counted(
    announce: Announce, watch: StartWatch, paths: Paths
) -> None:
    process = await announce()
    parent = paths.role(Role.WRITER)
    for name, data in (
        ("w2", b"\x00not json"),
        ("w3", b'{"host": "evil.example/x", "port": 80, "boot_id": "1"}'),
        ("Not A Name", b""),
        ("w4", b"9" * 5_000),
    ):
        await process.session.create(f"{parent}/{name}", data)
    seen = await watch()
    assert (seen.members, seen.junk) == ({"w1": WRITER}, 4)


async def test_junk_in_our_own_znode_is_replaced(
    announce: Announce, zookeeper: ZooKeeperServer, paths: Paths
) -> None:
    process = await announce()
    path = paths.member(Role.WRITER, "w1")
    client = kazoo_of(process.session)
    await asyncio.to_thread(client.set, path, b"junk")
    await eventually(lambda: process.membership.announcements == 2)
    await eventually(lambda: process.membership.announced)
    data, _ = await process.session.get(path)
    assert b"7001" in data


async def test_the_last_known_members_stay_while_zookeeper_is_away(
    announce: Announce, watch: StartWatch, zookeeper: ZooKeeperServer
) -> None:
    async with TcpProxy(zookeeper.port) as proxy:
        process, seen = await announce(), await watch(proxy.address)
        proxy.cut()
        await eventually(lambda: seen._session.stats.suspensions == 1)
        await process.membership.withdraw()
        assert seen.members == {"w1": WRITER}
        proxy.heal()
        await eventually(lambda: seen.members == {})


async def test_withdrawing_while_zookeeper_is_away_does_not_fail(
    announce: Announce, zookeeper: ZooKeeperServer
) -> None:
    async with TcpProxy(zookeeper.port) as proxy:
        process = await announce(address=proxy.address)
        proxy.cut()
        await eventually(lambda: not process.session.connected)
        await process.membership.withdraw()
        proxy.heal()
        await eventually(lambda: process.session.connected)
        assert not process.membership.announced
