"""T33 to T40: ZooKeeper and sessions. Nothing of it may be observed by viewers or posts: all of
these troubles are `only_routes`, so comments are held to the bound that always holds. That
everybody is connected and registered again is measured from the end of the fault.
"""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest

from cluster.parts import ROLES, Kind
from cluster.runtime import Condition
from tests.chaos.cluster_under_test import ClusterUnderTest
from tests.chaos.faults import Kill, KillLeader, Pause
from tests.chaos.healing import (
    note,
    state_of,
    strike_and_heal,
    threads_of,
    until_led,
    until_registered_once,
    until_whole,
)
from tests.chaos.link_faults import Hold, Outages
from tests.chaos.links import Links
from tests.chaos.rows import Row, row
from tests.e2e.parts import figure
from tests.support import TIMEOUT_FACTOR, eventually
from tests.tcp_proxy import TcpProxy

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400 * TIMEOUT_FACTOR)]

OUR_OWN = list(ROLES[1:])  # a cluster of many processes has no single one
MOVES_WITHIN_S = 8.0


async def test_t33_the_leader_is_killed(under_test: ClusterUnderTest) -> None:
    """Another one leads, and everybody is there again, while the killed one is still dead."""
    async with row("T33", under_test) as it:
        fault = KillLeader(under_test, [], 8.0, True, only_routes=True)
        striking = asyncio.create_task(it.strike(fault, hold_s=12.0))
        await eventually(
            lambda: [*map(under_test.cluster.condition, fault.targets)] == [Condition.DEAD]
        )
        killed_at = time.monotonic()
        await until_led(under_test, 8.0)
        await until_whole(it, killed_at, 8.0)
        await striking


@pytest.mark.parametrize("count", [2, 3], ids=["quorum", "all"])
async def test_t34_zookeeper_is_away_for_60_s(under_test: ClusterUnderTest, count: int) -> None:
    """Posting, live streams and new viewers go on; no stream breaks."""
    async with row("T34", under_test) as it:
        quiet = [watch for watch in it.load.history.watches if watch.left_at is None]
        servers = under_test.names(Kind.ZOOKEEPER)[:count]
        kill = Kill(under_test, servers, 10.0, True, only_routes=True)
        await strike_and_heal(it, kill, 60.0, within_s=10.0)
        assert all(len(watch.streams) == 1 for watch in quiet if watch.left_at is None)


async def test_t35_the_server_that_a_dispatcher_is_connected_to_is_cut_off(
    under_test: ClusterUnderTest,
) -> None:
    """First from this dispatcher only, then it stands still for all; it moves to another server,
    with the session that it has or with a new one.
    """
    assert under_test.links is not None
    async with row("T35", under_test) as it:
        held = await _connected_to_a_follower(under_test, under_test.links)
        hold = Hold(under_test, [held], 8.0, True, only_routes=True)
        await _strike_and_move(it, under_test.links, hold, held)
        held = await _connected_to_a_follower(under_test, under_test.links)
        pause = Pause(under_test, [held.partition(">")[2]], 8.0, True, only_routes=True)
        await _strike_and_move(it, under_test.links, pause, held)


async def _connected_to_a_follower(under_test: ClusterUnderTest, links: Links) -> str:
    """The hop by which dispatcher-1 is connected; it is sent away from the leader first."""
    leading = f"dispatcher-1>{await under_test.find_leader()}"
    await links.act([leading], TcpProxy.cut)
    found: list[str] = []
    while len(found) != 1 or (await state_of(under_test.cluster, "dispatcher-1"))["degraded"]:
        await asyncio.sleep(0.05)
        found = [one for one in links.connected("dispatcher-1>zookeeper-*") if one != leading]
    await links.act([leading], TcpProxy.heal)
    return found[0]


async def _strike_and_move(it: Row, links: Links, fault: Hold | Pause, held: str) -> None:
    began_at = time.monotonic()
    striking = asyncio.create_task(strike_and_heal(it, fault, 12.0, within_s=8.0))
    others = [hop for hop in links.find("dispatcher-1>zookeeper-*") if hop != held]
    await eventually(lambda: links.connected(*others), MOVES_WITHIN_S)
    note(f"T35 moved on from {held}: X {MOVES_WITHIN_S} s", time.monotonic() - began_at)
    await striking


@pytest.mark.parametrize("kind", OUR_OWN)
async def test_t36_a_session_expires(under_test: ClusterUnderTest, kind: Kind) -> None:
    async with row("T36", under_test) as it:
        name = under_test.names(kind)[0]
        sessions = await figure(under_test.cluster, name, "livecomments_zookeeper_sessions_total")
        hold = Hold(under_test, [f"{name}>zookeeper-*"], 3.0, True, only_routes=True)
        await strike_and_heal(it, hold, 10.0, within_s=3.0)  # the session is 6 s
        now = await figure(under_test.cluster, name, "livecomments_zookeeper_sessions_total")
        assert now == sessions + 1


async def test_t37_a_node_restarts_before_its_old_session_has_ended(
    under_test: ClusterUnderTest,
) -> None:
    """Its own znodes of the old session must not take the new ones along when they go."""
    async with row("T37", under_test) as it:
        kill = Kill(under_test, ["node-1"], 5.0, lasts=True)
        ended_at = await strike_and_heal(it, kill, 0.0, within_s=3.0)
        await until_registered_once(under_test, "node-1", time.monotonic(), 3.0)
        await asyncio.sleep(max(ended_at + 30.0 - time.monotonic(), 0.0))  # long after the old one
        await until_registered_once(under_test, "node-1", time.monotonic(), 3.0)
        assert "node-1" in (await state_of(under_test.cluster, "dispatcher-1"))["nodes"]


async def test_t38_a_node_loses_its_session_five_times_in_a_minute(
    under_test: ClusterUnderTest,
) -> None:
    async with row("T38", under_test) as it:
        threads = threads_of(under_test.cluster, "node-1")
        outages = Outages(under_test, ["node-1>zookeeper-*"], 10.0, True, only_routes=True)
        await strike_and_heal(it, outages, 0.0, within_s=10.0)
        await until_registered_once(under_test, "node-1", time.monotonic(), 3.0)
        assert threads_of(under_test.cluster, "node-1") <= threads + 2


async def test_t40_many_videos_outlive_a_restart_of_zookeeper(under_test: ClusterUnderTest) -> None:
    """1,000 registrations besides the load (10,000 are in tests/integration/coordination)."""
    connector, endless = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout()
    async with (
        aiohttp.ClientSession(connector=connector, timeout=endless) as session,
        row("T40", under_test) as it,
    ):
        streams = [
            await session.get(
                f"{under_test.cluster.http_url}/v1/videos/many-{number}/stream?replay=0"
            )
            for number in range(1_000)
        ]
        servers = under_test.names(Kind.ZOOKEEPER)
        kill = Kill(under_test, servers, 15.0, True, only_routes=True)
        await strike_and_heal(it, kill, 8.0, within_s=15.0)
        for name in under_test.names(Kind.NODE):
            assert threads_of(under_test.cluster, name) < 50
        for stream in streams:
            stream.close()
