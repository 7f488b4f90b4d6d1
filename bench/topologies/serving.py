"""The processes that viewers are connected to: how many each has, and until when it has any.

Who has left is missed late: the gateway notices at a write, and a node serves a video for a few
seconds more. An audience must not be measured with what is left of the one before it, above all
where a channel carries the videos of both.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from bench.child import BenchFailed
from cluster.cluster import Cluster
from cluster.parts import Kind, Part
from cluster.readiness import fetch_state
from wire.topology import Topology

EMPTY_WITHIN_S = 40.0
_LOOK_EVERY_S = 0.1
_SERVING = (Kind.NODE, Kind.SINGLE)


def serving_parts(cluster: Cluster) -> list[Part]:
    """All nodes, or the one process that is everything."""
    return [part for part in cluster.parts if part.kind in _SERVING]


async def wait_empty(cluster: Cluster, within_s: float = EMPTY_WITHIN_S) -> None:
    """Until nothing of an earlier audience is left. Raises BenchFailed after `within_s`."""
    topology, deadline = cluster.settings.topology, time.monotonic() + within_s
    while True:
        states = await _states(cluster)
        busy = [name for name, state in states.items() if not is_empty(state, topology)]
        if not busy:
            return
        if time.monotonic() > deadline:
            raise BenchFailed(f"an earlier audience is not gone from {', '.join(busy)}")
        await asyncio.sleep(_LOOK_EVERY_S)


async def fetch_fullest(cluster: Cluster) -> str:
    """The name of the node with the most viewers."""
    states = await _states(cluster)
    return max(states, key=lambda name: states[name].get("viewers", 0))


def is_empty(state: Mapping[str, Any], topology: str) -> bool:
    """Whether a node's /state tells of no video: none served, none registered or subscribed to.
    In `broadcast` the one channel is heard all the time.
    """
    held = 0 if topology == Topology.BROADCAST else state.get("registered", 0)
    return state.get("videos") == 0 and held == 0


async def _states(cluster: Cluster) -> dict[str, dict[str, Any]]:
    """By name; nothing of a part that does not answer."""
    parts = serving_parts(cluster)
    states = await asyncio.gather(*(fetch_state(part, part.host) for part in parts))
    return {part.name: state for part, state in zip(parts, states, strict=True)}
