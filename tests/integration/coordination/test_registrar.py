from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from coordination import (
    Delete,
    NoNode,
    Paths,
    Registrar,
    Sweeper,
    ZooKeeperSession,
    new_boot_id,
)
from tests.integration.coordination.conftest import Background, Connect, Expire
from tests.support import eventually
from tests.tcp_proxy import TcpProxy
from tests.zookeeper_server import ZooKeeperServer

OLD_BOOT, BOOT, NEWER_BOOT = (f"{number:015d}-00000000" for number in (1, 2, 3))

StartNode = Callable[..., Awaitable[tuple[ZooKeeperSession, Registrar]]]


@pytest.fixture
async def node(
    zookeeper: ZooKeeperServer, connect: Connect, background: Background, paths: Paths
) -> StartNode:
    """`await node("n1")`: a session and a running registrar."""

    async def start(
        node_id: str, boot_id: str = BOOT, address: str = "", **settings: Any
    ) -> tuple[ZooKeeperSession, Registrar]:
        session = await connect(address or zookeeper.address)
        registrar = Registrar(session, node_id, boot_id, paths=paths, **settings)
        background(registrar.run())
        return session, registrar

    return start


async def nodes_of(session: ZooKeeperSession, paths: Paths, video_id: str) -> list[str] | None:
    return (await session.get_children_of_many([paths.video(video_id)]))[0]


async def settled(registrar: Registrar) -> None:
    await asyncio.wait_for(registrar.wait_settled(), 20)


async def test_a_video_is_registered_and_told(node: StartNode, paths: Paths) -> None:
    acked: list[str] = []
    session, registrar = await node("n1", on_registered=acked.append)
    registrar.register("v")
    registrar.register("v")
    await settled(registrar)
    assert await nodes_of(session, paths, "v") == ["n1"]
    assert (acked, registrar.registered, registrar.pending) == (["v"], 1, 0)


async def test_two_nodes_serve_one_video_and_the_last_takes_the_parent_along(
    node: StartNode, paths: Paths
) -> None:
    session, first = await node("n1")
    _, second = await node("n2")
    first.register("v")
    second.register("v")
    await asyncio.gather(settled(first), settled(second))
    assert sorted(await nodes_of(session, paths, "v") or ()) == ["n1", "n2"]
    first.deregister("v")
    await settled(first)
    assert await nodes_of(session, paths, "v") == ["n2"]
    second.deregister("v")
    await settled(second)
    assert await nodes_of(session, paths, "v") is None


async def test_the_last_wish_counts_when_they_come_faster_than_replies(
    node: StartNode, paths: Paths
) -> None:
    session, registrar = await node("n1")
    for number in range(1_000):
        video_id = f"v{number % 10}"
        (registrar.deregister if number % 3 == 1 else registrar.register)(video_id)
        if number % 7 == 0:
            await session.exists("/")
    for number in range(10):
        (registrar.register if number % 2 else registrar.deregister)(f"v{number}")
    await settled(registrar)
    found = [await nodes_of(session, paths, f"v{number}") for number in range(10)]
    assert found == [None, ["n1"]] * 5


async def test_nodes_that_come_and_go_on_one_video_do_not_sweep_each_other_away(
    node: StartNode, paths: Paths
) -> None:
    session, first = await node("n1")
    _, second = await node("n2")
    for _ in range(30):
        first.register("v")
        second.deregister("v")
        await asyncio.sleep(0)
        await session.exists("/")
        first.deregister("v")
        second.register("v")
        await session.exists("/")
    await asyncio.gather(settled(first), settled(second))
    assert await nodes_of(session, paths, "v") == ["n2"]


async def test_everything_is_registered_again_in_a_new_session(
    node: StartNode, expire: Expire, paths: Paths
) -> None:
    session, registrar = await node("n1")
    for number in range(600):
        registrar.register(f"v{number}")
    await settled(registrar)
    before = session.session_id
    await expire(session)
    await eventually(lambda: session.session_id != before and session.connected)
    await eventually(lambda: registrar.registered == 600 and registrar.pending == 0)
    _, stat = await session.get(paths.registration("v599", "n1"))
    assert stat.owner == session.session_id


async def test_wishes_queue_while_zookeeper_is_away(
    node: StartNode, zookeeper: ZooKeeperServer, paths: Paths
) -> None:
    async with TcpProxy(zookeeper.port) as proxy:
        session, registrar = await node("n1", address=proxy.address)
        registrar.register("a")
        await settled(registrar)
        proxy.cut()
        await eventually(lambda: not session.connected)
        registrar.deregister("a")
        registrar.register("b")
        assert registrar.pending == 2
        proxy.heal()
        await settled(registrar)
        assert await nodes_of(session, paths, "a") is None
        assert await nodes_of(session, paths, "b") == ["n1"]


async def test_a_transaction_whose_reply_is_lost_is_looked_up(
    node: StartNode, zookeeper: ZooKeeperServer, paths: Paths
) -> None:
    async with TcpProxy(zookeeper.port) as proxy:
        session, registrar = await node("n1", address=proxy.address)
        for number in range(1_000):
            registrar.register(f"v{number}")
        await eventually(lambda: registrar.registered > 0)
        proxy.cut()
        await eventually(lambda: not session.connected)
        proxy.heal()
        await settled(registrar)
        assert registrar.registered == 1_000
        found = await session.get_children_of_many([paths.video(f"v{n}") for n in range(1_000)])
        assert found == [["n1"]] * 1_000


async def test_a_node_killed_and_restarted_stays_registered_when_its_old_session_expires(
    node: StartNode, expire: Expire, zookeeper: ZooKeeperServer, paths: Paths
) -> None:
    async with TcpProxy(zookeeper.port) as proxy:
        old_session, old = await node("n1", OLD_BOOT, proxy.address)
        for number in range(300):
            old.register(f"v{number}")
        await settled(old)
        proxy.blackhole()  # as good as killed: it says nothing more, its znodes stay for a while
        session, registrar = await node("n1", BOOT)
        for number in range(300):
            registrar.register(f"v{number}")
        await settled(registrar)
        assert registrar.stats.replaced == 300
        await expire(old_session)
        proxy.heal()  # kazoo comes back only to learn that its session is gone
        await old_session.stop()
        found = await session.get_many([paths.registration(f"v{n}", "n1") for n in range(300)])
        assert all(each is not None and each[1].owner == session.session_id for each in found)


async def test_the_registration_of_a_newer_life_is_left_alone_until_it_ends(
    node: StartNode, connect: Connect, zookeeper: ZooKeeperServer, paths: Paths
) -> None:
    newer_session, newer = await node("n1", NEWER_BOOT)
    newer.register("v")
    await settled(newer)
    session, registrar = await node("n1", BOOT, audit_every_s=0.2)
    registrar.register("v")
    await eventually(lambda: registrar.stats.newer > 0)
    _, stat = await session.get(paths.registration("v", "n1"))
    assert stat.owner == newer_session.session_id
    assert registrar.pending == 1
    await newer_session.stop()
    await settled(registrar)
    assert registrar.registered == 1


async def test_what_an_operator_removes_comes_back(
    node: StartNode, connect: Connect, zookeeper: ZooKeeperServer, paths: Paths
) -> None:
    session, registrar = await node("n1", audit_every_s=0.2)
    for video_id in ("a", "b"):
        registrar.register(video_id)
    await settled(registrar)
    removed = [
        path
        for video_id in ("a", "b")
        for path in (paths.registration(video_id, "n1"), paths.video(video_id))
    ]
    # At once: an audit in between would register again what was just removed.
    await session.multi([Delete(path) for path in (*removed, paths.videos)])
    await eventually(lambda: registrar.stats.audit_losses == 2 and registrar.pending == 0)
    assert await nodes_of(session, paths, "b") == ["n1"]


async def test_a_video_that_is_refused_does_not_hold_the_others_up(
    node: StartNode, connect: Connect, zookeeper: ZooKeeperServer, paths: Paths
) -> None:
    """Somebody made one video's parent an ephemeral znode, which can have no children."""
    operator = await connect(zookeeper.address)
    await operator.ensure_path(paths.videos)
    await operator.create(paths.video("v7"), ephemeral=True)
    _, registrar = await node("n1", audit_every_s=0.2)
    for number in range(20):
        registrar.register(f"v{number}")
    await eventually(lambda: registrar.registered == 19)
    assert registrar.pending == 1
    await operator.delete(paths.video("v7"))
    await settled(registrar)
    assert registrar.registered == 20


async def test_junk_under_our_own_name_is_replaced(
    node: StartNode, connect: Connect, zookeeper: ZooKeeperServer, paths: Paths
) -> None:
    operator = await connect(zookeeper.address)
    await operator.ensure_path(paths.registration("v", "n1"))
    session, registrar = await node("n1")
    registrar.register("v")
    await settled(registrar)
    _, stat = await session.get(paths.registration("v", "n1"))
    assert stat.owner == session.session_id


async def test_parents_that_crashed_nodes_left_are_swept(
    node: StartNode, connect: Connect, zookeeper: ZooKeeperServer, paths: Paths
) -> None:
    session, registrar = await node("n1")
    crashed_session, crashed = await node("n2")
    registrar.register("kept")
    for number in range(20):
        crashed.register(f"left{number}")
    await asyncio.gather(settled(registrar), settled(crashed))
    await crashed_session.stop()
    sweeper = Sweeper(session, paths=paths)
    await sweeper.sweep()
    assert sweeper.swept == 20
    assert await session.get_children(paths.videos) == ["kept"]
    with pytest.raises(NoNode):
        await session.delete(paths.video("left0"))


def test_boot_ids_sort_by_time() -> None:
    assert new_boot_id() > BOOT
