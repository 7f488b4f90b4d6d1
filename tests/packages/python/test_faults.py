"""Both clients while parts of a cluster die: whole, in order, and each post once.

`make test` runs this on the topology that starts soonest, with short outages; `make test-all` on
nodes that others take over from, with long ones.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cluster.cluster import Cluster
from cluster.new_epoch import renew_cluster_epoch
from cluster.parts import Kind
from livecomments_client import AsyncClient, Comment, Posted, Reset
from tests.e2e.contract import servers, writers
from tests.e2e.parts import state_of
from tests.packages.python.people import (
    KINDS,
    Posters,
    Reader,
    comments,
    is_live,
    judge,
    readers,
    reasons,
)
from tests.support import TIMEOUT_FACTOR, eventually

TOPOLOGIES = ("single", "dispatcher")
SMALL = True
pytestmark = pytest.mark.timeout(400)

OUTAGE_S = {"single": 1.5, "dispatcher": 30.0}
WARM_UP = 20


class Scene:
    """A video that one of each kind reads and one of each kind posts to."""

    def __init__(self, cluster: Cluster, both: list[Reader], posters: Posters) -> None:
        self.cluster, self.readers, self.posters = cluster, both, posters

    @property
    def outage_s(self) -> float:
        return OUTAGE_S[self.cluster.settings.topology]

    async def all_live(self) -> None:
        await eventually(lambda: all(is_live(reader) for reader in self.readers), 60)

    def reasons(self) -> set[str]:
        return {reason for reader in self.readers for reason in reasons(reader.events)}


@asynccontextmanager
async def playing(cluster: Cluster) -> AsyncIterator[Scene]:
    """Judged at the end, if nothing was wrong before."""
    video_id = secrets.token_hex(6)
    async with (
        readers(cluster.http_url, video_id) as both,
        Posters(cluster.http_url, video_id) as posters,
    ):
        scene = Scene(cluster, both, posters)
        await posters.wait_for(WARM_UP)
        yield scene
        await posters.wait_for(WARM_UP)
        await scene.all_live()
        await posters.finish()
        await judge(cluster.http_url, video_id, both, posters)


async def server_of_readers(cluster: Cluster) -> str:
    """Once it has noticed that the readers of an earlier test are gone."""
    async with asyncio.timeout(60 * TIMEOUT_FACTOR):
        while True:
            states = {name: await state_of(cluster, name) for name in servers(cluster)}
            viewers = {name: state["viewers"] for name, state in states.items()}
            if sum(viewers.values()) == len(KINDS):
                return max(viewers, key=lambda name: viewers[name])
            await asyncio.sleep(0.05)


async def test_a_killed_node_costs_nothing(cluster: Cluster) -> None:
    async with playing(cluster) as scene:
        name = await server_of_readers(cluster)
        await cluster.kill(name)
        await cluster.start(name)
        await eventually(scene.reasons)


async def test_a_drained_node_costs_nothing(cluster: Cluster) -> None:
    async with playing(cluster) as scene:
        name = await server_of_readers(cluster)
        assert await cluster.drain(name)
        await cluster.start(name)
        await eventually(scene.reasons)
        assert scene.reasons() == {"drain"}


async def test_a_gateway_that_is_away_costs_nothing(cluster: Cluster) -> None:
    async with playing(cluster) as scene:
        await cluster.kill(Kind.HAPROXY)
        await eventually(lambda: not any(is_live(reader) for reader in scene.readers), 30)
        told = len(scene.posters.told)
        await asyncio.sleep(scene.outage_s)  # the outage itself
        assert len(scene.posters.told) <= told + 2
        await cluster.start(Kind.HAPROXY)


async def test_writers_that_are_away_while_posting_cost_nothing(cluster: Cluster) -> None:
    """A post with the time that it has by default outlives them too."""
    async with playing(cluster) as scene, AsyncClient(cluster.http_url) as client:
        video = client.video(secrets.token_hex(6))
        await asyncio.gather(*(cluster.kill(name) for name in writers(cluster)))
        posting = asyncio.ensure_future(video.post("by default", author="ann"))
        await asyncio.sleep(scene.outage_s)  # the outage itself
        await asyncio.gather(*(cluster.start(name) for name in writers(cluster)))
        assert isinstance(await posting, Posted)
        assert [comment.text for comment in (await video.history()).items] == ["by default"]


async def test_a_frozen_node_is_left(cluster: Cluster) -> None:
    async with playing(cluster) as scene:
        name = await server_of_readers(cluster)
        cluster.pause(name)
        await eventually(lambda: not all(is_live(reader) for reader in scene.readers), 30)
        cluster.resume(name)


async def test_another_store_is_told_as_a_reset(cluster: Cluster) -> None:
    video_id = secrets.token_hex(6)
    async with readers(cluster.http_url, video_id) as both:
        async with Posters(cluster.http_url, video_id) as posters:
            await posters.wait_for(5)
        count = len(posters.told)
        await eventually(lambda: all(len(comments(reader.events)) == count for reader in both))
        await asyncio.gather(*(cluster.stop(name) for name in writers(cluster)))
        old, new = await renew_cluster_epoch(cluster.runtime, cluster.plan())
        await asyncio.gather(*(cluster.start(name) for name in writers(cluster)))
        await eventually(
            lambda: all(reader.video.cursor == f"{new}-{count}" for reader in both), 60
        )
        for reader in both:
            told = [e for e in reader.events if isinstance(e, Comment | Reset)]
            assert told[count] == Reset("epoch")
            # The same comments once more, with ids of the new store.
            again = [event.id for event in told[count + 1 :] if isinstance(event, Comment)]
            assert again == [f"{new}-{number}" for number in range(1, count + 1)][-20:]
            assert old != new
