"""How long after a fault the system is whole again, by what the processes and ZooKeeper say."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from kazoo.client import KazooClient

from cluster import readiness
from cluster.cluster import Cluster
from cluster.parts import ROLES, Kind
from cluster.servers import zookeeper
from tests.bounds import record
from tests.chaos.cluster_under_test import ClusterUnderTest
from tests.chaos.faults import Fault
from tests.chaos.rows import Row
from tests.support import TIMEOUT_FACTOR

_LOOK_EVERY_S = 0.05


async def state_of(cluster: Cluster, name: str) -> dict[str, Any]:
    """What a process of ours says; nothing while it does not answer."""
    reply = await readiness.fetch_json(*cluster.address(name, "ops"), "/state")
    return reply[1] if reply else {}


async def strike_and_heal(it: Row, fault: Fault, hold_s: float, within_s: float) -> float:
    """Strike; `within_s` after the very end of the fault every process of ours must be connected
    and every node registered. When the fault ended.
    """
    troubles = it.load.history.troubles
    known = len(troubles)
    striking = asyncio.create_task(it.strike(fault, hold_s))
    while len(troubles) == known:
        if striking.done():
            striking.result()  # raises: a strike that went well has left a trouble
        await asyncio.sleep(_LOOK_EVERY_S)
    ended_at = troubles[-1].ended_at
    try:
        await until_whole(it, ended_at, within_s)
    finally:
        await striking
    return ended_at


async def until_whole(it: Row, since: float, within_s: float) -> None:
    """See strike_and_heal; AssertionError if it takes longer."""
    deadline = since + within_s * TIMEOUT_FACTOR
    for name in (name for role in ROLES for name in it.under_test.names(role)):
        while not _is_whole(state := await state_of(it.under_test.cluster, name)):
            assert time.monotonic() < deadline, f"{name} after {within_s} s: {state}"
            await asyncio.sleep(_LOOK_EVERY_S)
    note(f"{it.name} connected and registered again: X {within_s} s", time.monotonic() - since)


def _is_whole(state: dict[str, Any]) -> bool:
    counted = "registered" not in state or state["registered"] == state["videos"]
    return state.get("zookeeper") == "connected" and counted


def note(what: str, impact_s: float) -> None:
    """Add a time that was measured beside the rows' own."""
    record(f"{what}, impact {impact_s:.1f} s")


async def until_led(under_test: ClusterUnderTest, within_s: float) -> None:
    """Until some ZooKeeper server leads."""
    servers = [
        under_test.cluster.address(name, "client") for name in under_test.names(Kind.ZOOKEEPER)
    ]
    async with asyncio.timeout(within_s * TIMEOUT_FACTOR):
        while "leader" not in [await zookeeper.fetch_mode(*one) for one in servers]:
            await asyncio.sleep(_LOOK_EVERY_S)


async def registrations(under_test: ClusterUnderTest, node: str) -> dict[str, int]:
    """The videos of a node as ZooKeeper has them, each with the session that owns it."""
    return await asyncio.to_thread(_read_registrations, under_test, node)


def _read_registrations(under_test: ClusterUnderTest, node: str) -> dict[str, int]:
    addresses = [
        under_test.cluster.address(name, "client") for name in under_test.names(Kind.ZOOKEEPER)
    ]
    client = KazooClient(",".join(f"{host}:{port}" for host, port in addresses))
    client.start()
    try:
        owners = {}
        for video_id in client.get_children("/livecomments/videos"):
            stat = client.exists(f"/livecomments/videos/{video_id}/{node}")
            if stat is not None:
                owners[video_id] = stat.ephemeralOwner
        return owners
    finally:
        client.stop()
        client.close()


async def until_registered_once(
    under_test: ClusterUnderTest, node: str, since: float, within_s: float
) -> None:
    """Until ZooKeeper has each video of a node, and nothing else, under one session."""
    deadline = since + within_s * TIMEOUT_FACTOR
    while True:
        state, owners = (
            await state_of(under_test.cluster, node),
            await registrations(under_test, node),
        )
        if state.get("videos") == len(owners) and len(set(owners.values())) <= 1:
            return
        assert time.monotonic() < deadline, f"{node} after {within_s} s: {state}, {owners}"
        await asyncio.sleep(_LOOK_EVERY_S)


def threads_of(cluster: Cluster, name: str) -> int:
    """How many threads a process of this machine has."""
    return len(list(Path(f"/proc/{cluster.pid(name)}/task").iterdir()))
