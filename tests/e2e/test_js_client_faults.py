"""Our JavaScript client in Node through what takes long: outages, sleep, clocks."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from cluster.cluster import Cluster
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.packages.js.node_client import NO_NODE, NODE, NodeClient
from tests.packages.js.told import settled
from tests.preload import WallClock
from tests.support import TIMEOUT_FACTOR, eventually, wait_out

pytestmark = [
    pytest.mark.skipif(NODE is None, reason=NO_NODE),
    pytest.mark.timeout(300 * TIMEOUT_FACTOR),
]
TRAFFIC = Shape(viewers=0, videos=1, rate=20, churn_s=0)
AWAY_S = 30.0
ASLEEP_S = 60.0
HOUR_S = 3600
LONGER_THAN_A_POST_IS_TRIED_S = 150.0


async def gateway_away(cluster: Cluster) -> None:
    await cluster.kill("haproxy")
    await wait_out(AWAY_S)
    await cluster.start("haproxy")


async def no_nodes(cluster: Cluster) -> None:
    nodes = [part.name for part in cluster.parts if part.kind == "node"]
    await asyncio.gather(*(cluster.kill(name) for name in nodes))
    await wait_out(AWAY_S / 3)
    await asyncio.gather(*(cluster.start(name) for name in nodes))


async def no_writers(cluster: Cluster) -> None:
    writers = [part.name for part in cluster.parts if part.kind == "writer"]
    await asyncio.gather(*(cluster.kill(name) for name in writers))
    await wait_out(AWAY_S)
    await asyncio.gather(*(cluster.start(name) for name in writers))


@pytest.mark.parametrize("outage", [gateway_away, no_nodes, no_writers])
async def test_an_outage_in_which_somebody_posts(
    cluster: Cluster, outage: Callable[[Cluster], Coroutine[Any, Any, None]]
) -> None:
    async with (
        Load(cluster.http_url, TRAFFIC) as load,
        NodeClient(cluster.http_url, load.videos[0]) as client,
    ):
        await client.live()
        away = asyncio.create_task(outage(cluster))
        for number in range(30):
            client.post(f"meanwhile {number}")
            await wait_out(0.5)
        await away
        await eventually(lambda: len(client.answers()) == 30, 60)
        await client.live(40)
        await load.wait_for_posts(5)
        await settled(load, client)
        assert client.all_posted
        told = [text for _, text in client.comments if text.startswith("meanwhile")]
        assert sorted(told) == sorted(f"meanwhile {number}" for number in range(30))


async def test_a_laptop_that_sleeps_for_a_minute(cluster: Cluster) -> None:
    async with (
        Load(cluster.http_url, TRAFFIC) as load,
        NodeClient(cluster.http_url, load.videos[0]) as client,
    ):
        await client.live()
        for number in range(3):
            client.post(f"before {number}")
        client.freeze()
        await wait_out(ASLEEP_S)
        client.thaw()
        woke = time.monotonic()
        acked = load.acked
        await eventually(lambda: client.head >= acked, 20)
        assert time.monotonic() - woke < 15 * TIMEOUT_FACTOR
        await eventually(lambda: len(client.answers()) == 3)
        assert client.all_posted
        await settled(load, client)


@pytest.mark.timeout(420 * TIMEOUT_FACTOR)
async def test_a_post_outlives_a_sleep_that_is_longer_than_it_is_tried(cluster: Cluster) -> None:
    """The writers stand still before it, so there is no answer when it falls asleep."""
    writers = [part.name for part in cluster.parts if part.kind == "writer"]
    async with NodeClient(cluster.http_url, secrets.token_hex(6)) as client:
        await client.live()
        client.post("before")
        await eventually(lambda: client.answers())
        for name in writers:
            cluster.pause(name)
        client.post("no answer yet")
        await eventually(lambda: len(client.shown) == 2)  # its echo
        client.freeze()
        await wait_out(LONGER_THAN_A_POST_IS_TRIED_S)
        for name in writers:
            cluster.resume(name)
        client.thaw()
        await eventually(lambda: len(client.answers()) == 2, 90)
        assert client.all_posted
        await eventually(lambda: client.head == 2)
        assert client.comments == [(1, "before"), (2, "no answer yet")]


async def test_a_laptop_that_sleeps_and_does_not_hear_that_its_stream_ended(
    cluster: Cluster,
) -> None:
    """No node says good-bye and no connection is reset: only silence tells it."""
    async with (
        Load(cluster.http_url, TRAFFIC) as load,
        NodeClient(cluster.http_url, load.videos[0]) as client,
    ):
        await client.live()
        cluster.pause("haproxy")
        client.freeze()
        await wait_out(ASLEEP_S / 4)
        client.thaw()
        await eventually(lambda: "silent" in client.reasons, 30)
        cluster.resume("haproxy")
        await client.live(40)
        await settled(load, client)


async def test_a_clock_that_is_set_ends_nothing(cluster: Cluster, tmp_path: Path) -> None:
    clock = WallClock(tmp_path, "clock")
    async with (
        Load(cluster.http_url, TRAFFIC) as load,
        NodeClient(cluster.http_url, load.videos[0], environ=clock.environment) as client,
    ):
        await client.live()
        for off_s in (HOUR_S, -HOUR_S, 0):
            clock.set(off_s)
            await wait_out(12)
            await load.wait_for_posts(5)
        posted = client.post("at what time?")
        await eventually(lambda: posted in client.answers())
        assert client.all_posted
        await settled(load, client)
        assert [told["state"] for told in client.named("state")] == ["connecting", "live"]
