"""T33 to T40: ZooKeeper and sessions. Nothing of it may be felt by viewers or posts: all of these
troubles are `only_routes`, so comments are held to the bound that always holds.
"""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest

from cluster import probe
from cluster.cluster import Cluster
from cluster.parts import ROLES, Kind
from tests.chaos.faults import Flaky, Hold, Kill, KillLeader, Pause, Rolling, Scene
from tests.chaos.load import Load
from tests.chaos.rows import row
from tests.support import TIMEOUT_FACTOR

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]

OUR_OWN = list(ROLES)


async def until_connected(scene: Scene, within_s: float) -> float:
    """How long it took until every process of ours was connected to ZooKeeper."""
    began = time.monotonic()
    parts = [part for part in scene.cluster.parts if part.kind in OUR_OWN]
    async with asyncio.timeout(within_s * TIMEOUT_FACTOR):
        for part in parts:
            while (await state_of(scene.cluster, part.name)).get("zookeeper") != "connected":
                await asyncio.sleep(0.05)
    return time.monotonic() - began


async def state_of(cluster: Cluster, name: str) -> dict[str, object]:
    reply = await probe.fetch_json(*cluster.address(name, "ops"), "/state")
    return reply[1] if reply else {}


def streams_of(load: Load) -> int:
    return sum(len(watch.streams) for watch in load.history.watches if watch.left_at is None)


async def test_t33_the_leader_is_killed(scene: Scene) -> None:
    async with row("T33", scene) as it:
        await it.strike(KillLeader(scene, [], 8.0, True, only_routes=True), hold_s=5.0)
        await until_connected(scene, 8.0)


@pytest.mark.parametrize("count", [2, 3], ids=["quorum", "all"])
async def test_t34_zookeeper_is_away_for_60_s(scene: Scene, count: int) -> None:
    """Posting, live streams and new viewers go on; no stream breaks."""
    async with row("T34", scene) as it:
        quiet = [watch for watch in it.load.history.watches if watch.left_at is None]
        servers = scene.names(Kind.ZOOKEEPER)[:count]
        await it.strike(Kill(scene, servers, 10.0, True, only_routes=True), hold_s=60.0)
        await until_connected(scene, 10.0)
        assert all(len(watch.streams) == 1 for watch in quiet if watch.left_at is None)


async def test_t35_the_server_of_the_dispatchers_stands_still(scene: Scene) -> None:
    """They move to another server, with the session that they have or with a new one."""
    async with row("T35", scene) as it:
        servers = scene.names(Kind.ZOOKEEPER)
        leader = await scene.find_leader()
        follower = next(name for name in servers if name != leader)
        held = Hold(scene, [f"dispatcher-*>{follower}"], 8.0, True, only_routes=True)
        await it.strike(held, hold_s=10.0)
        await it.strike(Pause(scene, [follower], 8.0, True, only_routes=True), hold_s=10.0)
        await until_connected(scene, 8.0)


@pytest.mark.parametrize("kind", OUR_OWN)
async def test_t36_a_session_expires(scene: Scene, kind: Kind) -> None:
    async with row("T36", scene) as it:
        name = scene.names(kind)[0]
        hold = Hold(scene, [f"{name}>zookeeper-*"], 3.0, True, only_routes=True)
        await it.strike(hold, hold_s=10.0)  # the session is 6 s
        await until_connected(scene, 3.0)


async def test_t37_a_node_restarts_before_its_old_session_has_ended(scene: Scene) -> None:
    """Its own znodes of the old session must not take the new ones along when they go."""
    async with row("T37", scene) as it:
        await it.strike(Kill(scene, ["node-1"], 5.0, lasts=True), hold_s=0.0)
        await asyncio.sleep(10.0)  # the old session is over
        state = await state_of(scene.cluster, "node-1")
        assert state["zookeeper"] == "connected"
        dispatcher = await state_of(scene.cluster, "dispatcher-1")
        nodes = dispatcher["nodes"]
        assert isinstance(nodes, list)
        assert "node-1" in nodes


async def test_t38_a_node_loses_its_session_again_and_again(scene: Scene) -> None:
    async with row("T38", scene) as it:
        for _ in range(3):
            hold = Hold(scene, ["node-1>zookeeper-*"], 3.0, True, only_routes=True)
            await it.strike(hold, hold_s=8.0)
        flaky = Flaky(scene, ["node-1>zookeeper-*"], 10.0, True, True, every_s=0.7)
        await it.strike(flaky, hold_s=10.0)
        await until_connected(scene, 10.0)
        state = await state_of(scene.cluster, "node-1")
    assert state["registered"] == state["videos"]


async def test_t40_many_videos_outlive_a_restart_of_zookeeper(scene: Scene) -> None:
    """1,000 registrations besides the load (10,000 are in tests/integration/coordination)."""
    async with aiohttp.ClientSession() as session, row("T40", scene) as it:
        streams = [
            await session.get(f"{scene.cluster.http_url}/v1/videos/many-{number}/stream?replay=0")
            for number in range(1_000)
        ]
        servers = scene.names(Kind.ZOOKEEPER)
        await it.strike(Kill(scene, servers, 15.0, True, only_routes=True), hold_s=8.0)
        await until_connected(scene, 15.0)
        for name in scene.names(Kind.NODE):
            state = await state_of(scene.cluster, name)
            assert state["registered"] == state["videos"]
        for stream in streams:
            stream.close()


async def test_t69_every_process_is_restarted_one_after_the_other(scene: Scene) -> None:
    async with row("T69", scene) as it:
        names = [part.name for part in scene.cluster.parts if part.kind in OUR_OWN]
        rolling = Rolling(scene, names, 3.0, True, only_routes=True, pause_s=2.0)
        await it.strike(rolling, hold_s=0.0)
        assert not [watch.fatal for watch in it.load.history.watches if watch.fatal]
