"""Operators may change their minds: a cluster goes down on one topology and comes up on another."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.errors import SettingsConflict
from tests.chaos import traffic
from tests.chaos.history import Watch
from tests.chaos.judge import judge
from tests.chaos.load import Load
from tests.e2e.conftest import Shape
from tests.support import TIMEOUT_FACTOR, eventually
from wire.topology import Topology

SMALL = True
NAME = "moving"
WAY = ("dispatcher", "single", "broadcast", "gateway", "partitioned", "dispatcher")
RATE = 20
LOAD = traffic.Shape(viewers=24, videos=4, rate=RATE, impatient=0, churn_s=0)
BACK_WITHIN_S = 30.0


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Path]:
    yield tmp_path
    await Cluster.open(NAME, tmp_path).clean()


async def move(shape: Shape, home: Path, topology: str) -> Cluster:
    """As `make cluster-down`, then `TOPOLOGY=... make cluster-up`."""
    cluster = dataclasses.replace(shape, topology=topology).create(NAME, home, {})
    await cluster.up()
    return cluster


@pytest.mark.timeout(600 * TIMEOUT_FACTOR)
async def test_viewers_follow_a_cluster_through_all_topologies(shape: Shape, home: Path) -> None:
    """One store, one gateway, one set of viewers: whoever posts and watches on goes on, and nobody
    misses or repeats a comment.
    """
    assert set(WAY) == set(Topology)
    cluster = await move(shape, home, WAY[0])
    async with Load.on(cluster, LOAD) as load:
        watches = load.history.watches
        for topology in WAY[1:]:
            await load.wait_for_posts(RATE)
            before = [hellos(watch) for watch in watches]
            async with load.trouble(f"moved to {topology}", 10.0):
                await cluster.down()
                cluster = await move(shape, home, topology)
            await eventually(
                lambda before=before: all(
                    hellos(watch) > had for watch, had in zip(watches, before, strict=True)
                ),
                BACK_WITHIN_S,
            )
        await load.wait_for_posts(RATE)
        assert judge(await load.finish()).broken == []


def hellos(watch: Watch) -> int:
    return sum(event.type == "hello" for event in watch.events)


async def test_a_running_cluster_says_that_it_must_go_down_first(shape: Shape, home: Path) -> None:
    cluster = await move(shape, home, "single")
    other = dataclasses.replace(cluster.settings, topology="gateway")
    with pytest.raises(SettingsConflict, match="TOPOLOGY=single; `make cluster-down` first"):
        Cluster.create(other, home)
    assert Cluster.open(NAME, home).settings.topology == "single"
