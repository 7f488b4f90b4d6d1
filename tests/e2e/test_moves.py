"""Operators may change their minds: a cluster goes down on one topology and comes up on another."""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from cluster.cluster import Cluster
from cluster.errors import SettingsConflict
from cluster.settings import Settings
from tests.chaos.event_source import EventSource
from tests.chaos.history import Watch
from tests.support import TIMEOUT_FACTOR, eventually
from wire.topology import Topology

WAY = ("dispatcher", "single", "broadcast", "gateway", "partitioned", "dispatcher")
VIDEOS = 4


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Path]:
    yield tmp_path
    await Cluster.open("moving", tmp_path).clean()


async def move(home: Path, topology: str) -> Cluster:
    """As `make cluster-down`, then `TOPOLOGY=... make cluster-up`."""
    settings = Settings("moving", topology=topology, nodes=1, writers=1, dispatchers=1)
    cluster = Cluster.create(settings, home)
    await cluster.up()
    return cluster


@pytest.mark.timeout(400 * TIMEOUT_FACTOR)
async def test_viewers_follow_a_cluster_through_all_topologies(
    home: Path, session: aiohttp.ClientSession
) -> None:
    """One store, one gateway, one set of viewers: nobody misses or repeats a comment."""
    assert set(WAY) == set(Topology)
    cluster = await move(home, WAY[0])
    watches = [Watch(secrets.token_hex(4)) for _ in range(VIDEOS)]
    sources = [EventSource(*cluster.address("haproxy", "http"), watch) for watch in watches]
    viewers = [asyncio.create_task(source.run()) for source in sources]
    told: dict[str, list[object]] = {watch.video_id: [] for watch in watches}

    async def post_some(text: str) -> None:
        for watch in watches:
            url = f"{cluster.http_url}/v1/videos/{watch.video_id}/comments"
            async with session.post(url, json={"author": "ann", "text": text}) as reply:
                assert reply.status == 201
                told[watch.video_id].append(await reply.json())

    async def all_seen() -> None:
        await eventually(lambda: all(w.head == len(told[w.video_id]) for w in watches), 30)

    await eventually(lambda: all(watch.place is not None for watch in watches))
    await post_some("before the first move")
    for topology in WAY[1:]:
        await all_seen()
        await post_some(f"just before {topology}")  # perhaps on nobody's screen yet
        await cluster.down()
        cluster = await move(home, topology)
        await post_some(f"on {topology}")
    await all_seen()
    for watch in watches:
        comments = [event.data for event in watch.events if event.type == "comment"]
        assert comments == told[watch.video_id]
        assert not {event.type for event in watch.events} & {"reset", "gap"}
        assert watch.fatal is None
    for viewer in viewers:
        viewer.cancel()


async def test_a_running_cluster_says_that_it_must_go_down_first(home: Path) -> None:
    cluster = await move(home, "single")
    other = dataclasses.replace(cluster.settings, topology="gateway")
    with pytest.raises(SettingsConflict, match="TOPOLOGY=single; `make cluster-down` first"):
        Cluster.create(other, home)
    assert Cluster.open("moving", home).settings.topology == "single"
