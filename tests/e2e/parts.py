"""What tests ask the parts of a running cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from cluster.cluster import Cluster
from tests.chaos.history import Watch
from tests.support import TIMEOUT_FACTOR


async def state_of(cluster: Cluster, name: str) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{cluster.url(name)}/state") as reply,
    ):
        state: dict[str, Any] = await reply.json()
        return state


async def eventually_in_state(
    cluster: Cluster, name: str, wanted: Callable[[dict[str, Any]], bool], tries: int = 200
) -> None:
    for _ in range(tries):
        state = await state_of(cluster, name)
        if wanted(state):
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"{name} did not get there: {state}")


async def busiest(cluster: Cluster, role: str, figure: str) -> str:
    names = [part.name for part in cluster.parts if part.kind == role]
    figures = {name: (await state_of(cluster, name))[figure] for name in names}
    return max(names, key=lambda name: figures[name])


async def streams_by_node(cluster: Cluster, count: int) -> dict[str, int]:
    """How many streams each node has, as soon as there are `count` in all: those of earlier tests
    may still be closing.
    """
    nodes = [part.name for part in cluster.parts if part.kind == "node"]
    async with asyncio.timeout(30 * TIMEOUT_FACTOR):
        while True:
            states = await asyncio.gather(*(state_of(cluster, name) for name in nodes))
            found = {name: state["viewers"] for name, state in zip(nodes, states, strict=True)}
            if sum(found.values()) == count:
                return found
            await asyncio.sleep(0.05)


def served_by(watch: Watch) -> str:
    """The node of the viewer's last hello."""
    hellos = [event.data["node_id"] for event in watch.events if event.type == "hello"]
    return hellos[-1] if hellos else ""


async def figure(cluster: Cluster, name: str, metric: str) -> float:
    """The sum of a metric of one part, over its labels; 0 if it has none."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{cluster.url(name)}/metrics") as reply,
    ):
        lines = (await reply.text()).splitlines()
    found = (line.split() for line in lines if line.partition("{")[0].partition(" ")[0] == metric)
    return sum(float(words[-1]) for words in found)
