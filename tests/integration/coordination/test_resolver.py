from __future__ import annotations

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from coordination import (
    Delete,
    Paths,
    Registrar,
    RouteResolver,
    RouteUnknown,
    ZooKeeperSession,
)
from coordination.routing_table import IDLE_S, RoutingTable
from tests.bounds import record
from tests.integration.coordination.conftest import (
    SESSION_S,
    SHORT_SESSION_S,
    Background,
    Connect,
    SessionOn,
    kazoo_of,
)
from tests.support import eventually
from tests.tcp_proxy import TcpProxy
from tests.zookeeper_server import ZooKeeperServer

BOOT = "000000000000002-00000000"

StartResolver = Callable[..., Awaitable[RouteResolver]]
StartNode = Callable[..., Awaitable[Registrar]]


def nodes(*names: str) -> frozenset[str]:
    return frozenset(names)


@pytest.fixture
async def resolver(
    zookeeper: ZooKeeperServer, connect: Connect, background: Background, paths: Paths
) -> StartResolver:
    async def start(
        address: str = "", session_s: float = SESSION_S, **settings: Any
    ) -> RouteResolver:
        session = await connect(address or zookeeper.address, session_s)
        resolver = RouteResolver(session, paths=paths, **settings)
        background(resolver.run())
        return resolver

    return start


@pytest.fixture
async def node(
    zookeeper: ZooKeeperServer, connect: Connect, background: Background, paths: Paths
) -> StartNode:
    async def start(
        node_id: str, address: str = "", session_s: float = SESSION_S, **settings: Any
    ) -> Registrar:
        session = await connect(address or zookeeper.address, session_s)
        registrar = Registrar(session, node_id, BOOT, paths=paths, **settings)
        background(registrar.run())
        return registrar

    return start


@pytest.fixture
async def operator(zookeeper: ZooKeeperServer, session_on: SessionOn) -> ZooKeeperSession:
    return await session_on(zookeeper)


async def test_a_route_is_read_once_and_then_kept_right(
    resolver: StartResolver, node: StartNode
) -> None:
    routes, first, second = await resolver(), await node("n1"), await node("n2")
    assert routes.find("v") is None
    assert await routes.resolve("v") == frozenset()
    first.register("v")
    await eventually(lambda: routes.find("v") == nodes("n1"))
    second.register("v")
    await eventually(lambda: routes.find("v") == nodes("n1", "n2"))
    first.deregister("v")
    await eventually(lambda: routes.find("v") == nodes("n2"))
    second.deregister("v")
    await eventually(lambda: routes.find("v") == frozenset())
    second.register("v")
    await eventually(lambda: routes.find("v") == nodes("n2"))


async def test_all_who_ask_at_once_share_one_read(resolver: StartResolver, node: StartNode) -> None:
    routes, registrar = await resolver(), await node("n1")
    registrar.register("v")
    await registrar.wait_settled()
    answers = await asyncio.gather(*(routes.resolve("v") for _ in range(100)))
    assert set(answers) == {frozenset({"n1"})}
    assert routes.stats.reads == 1


async def test_a_storm_of_changes_costs_ten_reads_a_second(
    resolver: StartResolver, operator: ZooKeeperSession, paths: Paths
) -> None:
    routes = await resolver()
    await operator.create(paths.video("v"))
    await routes.resolve("v")
    started, before = time.monotonic(), routes.stats.reads
    for _ in range(200):
        await operator.create(paths.registration("v", "n1"), ephemeral=True)
        await operator.delete(paths.registration("v", "n1"))
    await operator.create(paths.registration("v", "n9"), ephemeral=True)
    await eventually(lambda: routes.find("v") == nodes("n9"))
    assert routes.stats.reads - before <= 10 * (time.monotonic() - started) + 2


async def test_a_route_marked_stale_is_read_again_and_used_meanwhile(
    resolver: StartResolver, node: StartNode
) -> None:
    routes, registrar = await resolver(), await node("n1")
    registrar.register("v")
    await registrar.wait_settled()
    await routes.resolve("v")
    routes.mark_stale("v")
    assert (routes.find("v"), routes.stale) == (nodes("n1"), 1)
    await eventually(lambda: routes.stats.reads == 2 and routes.stale == 0)


async def test_changes_missed_while_cut_off_are_found_on_reconnection(
    resolver: StartResolver, operator: ZooKeeperSession, zookeeper: ZooKeeperServer, paths: Paths
) -> None:
    async with TcpProxy(zookeeper.port) as proxy:
        routes = await resolver(proxy.address)
        await operator.create(paths.video("v"))
        await operator.create(paths.registration("v", "n1"), ephemeral=True)
        assert await routes.resolve("v") == nodes("n1")
        assert await routes.resolve("later") == frozenset()
        proxy.cut()
        await eventually(lambda: not routes._session.connected)
        await operator.delete(paths.registration("v", "n1"))
        await operator.create(paths.registration("v", "n2"), ephemeral=True)
        await operator.create(paths.video("later"))
        await operator.create(paths.registration("later", "n3"), ephemeral=True)
        assert routes.find("v") == nodes("n1")
        proxy.heal()
        await eventually(lambda: routes._session.connected)
        connected_at = time.monotonic()
        await eventually(lambda: routes.find("v") == nodes("n2"), timeout_s=1)
        await eventually(lambda: routes.find("later") == nodes("n3"), timeout_s=1)
        record(f"T39: X 1.0 s, {time.monotonic() - connected_at:.2f} s after the connection")
        await eventually(lambda: routes.stale == 0)
        await operator.delete(paths.registration("v", "n2"))  # and the watches are back as well
        await eventually(lambda: routes.find("v") == frozenset())


async def watches(zookeeper: ZooKeeperServer) -> int:
    """How many watches the server keeps, of all its clients."""
    found = re.search(r"^zk_watch_count\t([0-9]+)$", await zookeeper.ask("mntr"), re.MULTILINE)
    assert found is not None
    return int(found[1])


async def settled(zookeeper: ZooKeeperServer, routes: RouteResolver) -> int:
    """The watches once none is left that belongs to a forgotten route."""
    await eventually(lambda: routes.leaving == routes.stale == routes._under_way == 0)
    return await watches(zookeeper)


async def test_watches_are_as_many_as_routes_however_many_videos_are_asked_for(
    own_zookeeper: ZooKeeperServer, resolver: StartResolver, session_on: SessionOn, paths: Paths
) -> None:
    routes = await resolver(own_zookeeper.address, table=RoutingTable(max_routes=50))
    operator = await session_on(own_zookeeper)
    videos = [f"v{number}" for number in range(300)]
    for video_id in videos[::2]:  # of the others ZooKeeper knows nothing
        await operator.create(paths.video(video_id))
    for video_id in videos:
        await routes.resolve(video_id)
    kept = await settled(own_zookeeper, routes)
    for start in range(0, 300, 30):
        await asyncio.gather(*map(routes.resolve, videos[start : start + 30]))
    again = await settled(own_zookeeper, routes)
    client = kazoo_of(routes._session)
    record(f"300 videos, 50 routes: {kept} watches, after a second round {again}")
    assert kept == again == 50
    assert len(client._child_watchers) + len(client._data_watchers) == 50


async def test_a_route_that_was_forgotten_and_asked_for_again_is_kept_right(
    resolver: StartResolver, node: StartNode, paths: Paths
) -> None:
    routes = await resolver(table=RoutingTable(max_routes=2))
    registrar = await node("n1")
    for others in (["w", "x"], ["y", "z"], ["w", "x", "y", "z"]):
        for video_id in (*others, "v"):  # "v" is wanted while its watch is being removed
            assert await routes.resolve(video_id) == frozenset()
        registrar.register("v")
        await eventually(lambda: routes.find("v") == nodes("n1"))
        registrar.deregister("v")
        await eventually(lambda: routes.find("v") == frozenset())
    assert routes.stats.differences == 0  # all by events


async def test_no_watch_is_left_of_routes_that_nobody_uses(
    own_zookeeper: ZooKeeperServer, resolver: StartResolver, paths: Paths
) -> None:
    ahead_s = 0.0
    routes = await resolver(
        own_zookeeper.address, compare_every_s=0.1, clock=lambda: time.monotonic() + ahead_s
    )
    await asyncio.gather(*(routes.resolve(f"v{number}") for number in range(100)))
    ahead_s = IDLE_S
    await eventually(lambda: routes.routes == 0)
    assert await settled(own_zookeeper, routes) == 0
    assert routes.evicted == routes.stats.unwatched == 100


async def test_a_post_to_a_video_that_nobody_watches_costs_no_lasting_watch(
    own_zookeeper: ZooKeeperServer, resolver: StartResolver, node: StartNode, paths: Paths
) -> None:
    table = RoutingTable(empty_idle_s=0.2)
    routes = await resolver(own_zookeeper.address, table=table, compare_every_s=0.1)
    registrar = await node("n1", own_zookeeper.address)
    registrar.register("watched")
    await registrar.wait_settled()
    videos = ["watched", *(f"v{number}" for number in range(100))]
    await asyncio.gather(*map(routes.resolve, videos))
    await eventually(lambda: routes.routes == 1)
    assert await settled(own_zookeeper, routes) == 1
    assert routes.find("watched") == nodes("n1")
    registrar.register("v7")
    await registrar.wait_settled()
    assert await routes.resolve("v7") == nodes("n1")


async def test_after_a_reconnection_only_the_routes_that_are_kept_are_watched(
    own_zookeeper: ZooKeeperServer, resolver: StartResolver, paths: Paths
) -> None:
    async with TcpProxy(own_zookeeper.port) as proxy:
        routes = await resolver(proxy.address, table=RoutingTable(max_routes=20))
        for number in range(60):
            await routes.resolve(f"v{number}")
        for number in range(60, 80):  # their removals are cut off with the rest
            with contextlib.suppress(RouteUnknown):
                await routes.resolve(f"v{number}", timeout_s=0.01)
            if number == 70:
                proxy.cut()
        await eventually(lambda: not routes._session.connected)
        proxy.heal()
        await eventually(lambda: routes._session.connected)
        assert await settled(own_zookeeper, routes) == routes.routes <= 20


async def test_an_unknown_route_is_an_error_at_once_while_zookeeper_is_away(
    resolver: StartResolver, zookeeper: ZooKeeperServer
) -> None:
    async with TcpProxy(zookeeper.port) as proxy:
        routes = await resolver(proxy.address, SHORT_SESSION_S)
        await routes.resolve("known")
        proxy.blackhole()
        asking = asyncio.create_task(routes.resolve("asked", timeout_s=30))
        await eventually(lambda: not routes._session.connected)
        with pytest.raises(RouteUnknown):
            await asking
        with pytest.raises(RouteUnknown):
            await routes.resolve("unknown")
        assert await routes.resolve("known") == frozenset()
        proxy.heal()
        await eventually(lambda: routes._session.connected)
        assert await routes.resolve("unknown") == frozenset()


async def test_a_read_that_takes_too_long_is_an_error(
    resolver: StartResolver, zookeeper: ZooKeeperServer
) -> None:
    async with TcpProxy(zookeeper.port) as proxy:
        routes = await resolver(proxy.address)
        await routes.resolve("known")
        proxy.blackhole()
        with pytest.raises(RouteUnknown):
            await routes.resolve("v", timeout_s=0.1)


async def test_junk_below_a_video_is_ignored_and_counted(
    resolver: StartResolver, operator: ZooKeeperSession, paths: Paths
) -> None:
    routes = await resolver()
    await operator.create(paths.video("v"))
    await operator.create(f"{paths.video('v')}/n1", ephemeral=True)
    await operator.create(f"{paths.video('v')}/http:..evil", ephemeral=True)
    await operator.create(f"{paths.videos}/not a video")
    assert await routes.resolve("v") == nodes("n1")
    assert routes.stats.junk == 1


async def test_a_lost_event_is_found_by_comparing(
    resolver: StartResolver, operator: ZooKeeperSession, paths: Paths
) -> None:
    routes = await resolver(compare_every_s=0.1)
    await operator.create(paths.video("v"))
    await routes.resolve("v")
    routes._session._listeners.events.clear()  # from here on no event arrives
    await operator.create(paths.registration("v", "n1"), ephemeral=True)
    await eventually(lambda: routes.find("v") == nodes("n1"))
    assert routes.stats.differences >= 1


async def test_parents_removed_by_an_operator_are_made_and_found_again(
    resolver: StartResolver, node: StartNode, operator: ZooKeeperSession, paths: Paths
) -> None:
    routes, registrar = await resolver(), await node("n1", audit_every_s=0.2)
    registrar.register("v")
    await registrar.wait_settled()
    assert await routes.resolve("v") == nodes("n1")
    removed = (paths.registration("v", "n1"), paths.video("v"), paths.videos)
    # At once: an audit in between would register again what was just removed.
    await operator.multi([Delete(path) for path in removed])
    await eventually(lambda: registrar.stats.audit_losses == 1)
    await eventually(lambda: routes.find("v") == nodes("n1") and routes.stale == 0)


async def test_ten_thousand_videos_survive_ten_seconds_without_zookeeper(
    own_zookeeper: ZooKeeperServer,
    resolver: StartResolver,
    node: StartNode,
    connect: Connect,
    paths: Paths,
) -> None:
    """The session (8 s) expires meanwhile. Few threads; all routes right again."""
    videos = [f"video-{number}" for number in range(10_000)]
    routes = await resolver(own_zookeeper.address, 8.0)
    registrar = await node("n1", own_zookeeper.address, 8.0)
    for video_id in videos:
        registrar.register(video_id)
    await registrar.wait_settled()
    await asyncio.gather(*(routes.resolve(video_id, timeout_s=60) for video_id in videos))
    threads = threading.active_count()
    await own_zookeeper.stop()
    await asyncio.sleep(10)  # the outage itself
    for video_id in videos[:100]:
        registrar.deregister(video_id)
    assert routes.find(videos[0]) == nodes("n1")
    await own_zookeeper.start()
    await eventually(lambda: routes._session.connected and registrar._session.connected)
    await eventually(lambda: registrar.pending == 0 and registrar.registered == 9_900, timeout_s=60)
    await eventually(lambda: routes.stale == 0, timeout_s=60)
    await eventually(
        lambda: (
            all(routes.find(v) == frozenset() for v in videos[:100])
            and all(routes.find(v) == nodes("n1") for v in videos[100:])
        )
    )
    assert threading.active_count() <= threads < 50
