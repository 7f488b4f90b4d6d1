"""Our JavaScript client in Node while parts die: whole and in order, each post once."""

from __future__ import annotations

import asyncio

import pytest

from cluster.cluster import Cluster
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.e2e.parts import streams_by_node
from tests.packages.js.node_client import NO_NODE, NODE, NodeClient
from tests.packages.js.told import settled
from tests.support import eventually

pytestmark = pytest.mark.skipif(NODE is None, reason=NO_NODE)
TRAFFIC = Shape(viewers=0, videos=1, rate=20, churn_s=0)


async def server_of_one(cluster: Cluster) -> str:
    """The node that has the only stream."""
    found = await streams_by_node(cluster, 1)
    return max(found, key=lambda name: found[name])


async def test_a_node_is_killed_and_another_drained(cluster: Cluster) -> None:
    async with (
        Load(cluster.http_url, TRAFFIC) as load,
        NodeClient(cluster.http_url, load.videos[0]) as client,
    ):
        await client.live()
        node = await server_of_one(cluster)
        await cluster.kill(node)
        await eventually(lambda: "ended" in client.reasons)
        await load.wait_for_posts(5)
        await client.live()
        await cluster.start(node)
        assert await cluster.drain(await server_of_one(cluster))
        await eventually(lambda: "drain" in client.reasons)
        await load.wait_for_posts(5)
        await settled(load, client)


async def test_posts_while_all_writers_are_away_are_stored_once(cluster: Cluster) -> None:
    writers = [part.name for part in cluster.parts if part.kind == "writer"]
    video = "all-writers-away"
    async with NodeClient(cluster.http_url, video) as client:
        client.post("before")
        await eventually(lambda: client.answers())
        for name in writers:
            await cluster.kill(name)
        for number in range(10):
            client.post(f"while they are away {number}")
        client.post("no longer" * 100)
        await eventually(lambda: len(client.shown) == 12)  # echoes
        await asyncio.gather(*(cluster.start(name) for name in writers))
        await eventually(lambda: len(client.answers()) == 12, 60)
        told = [answer.get("status") for answer in client.answers().values()]
        assert sorted(map(str, told)) == ["422", *["posted"] * 11]
        await eventually(lambda: client.head == 11)
        await eventually(lambda: [item[0] for item in client.shown] == list(range(1, 12)))
        assert len({text for _, text in client.comments}) == 11
