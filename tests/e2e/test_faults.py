"""Faults under load: the history of every client is judged, whatever happened in between."""

from __future__ import annotations

import asyncio
import dataclasses
import time

import aiohttp
import pytest

from cluster.cluster import Cluster
from tests.chaos.history import Trouble
from tests.chaos.judge import judge
from tests.chaos.judge_times import impact_s
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.e2e.parts import busiest, eventually_in_state, served_by, state_of
from tests.support import TIMEOUT_FACTOR, eventually

RATE = 100
SHAPE = Shape(viewers=200, videos=8, rate=RATE)
STAYING = Shape(viewers=200, videos=8, rate=RATE, churn_s=0)
PATIENT = dataclasses.replace(STAYING, impatient=0)  # no call ends because its client gave up
WARM_UP = 150  # comments before a fault: a run that cannot reach them has no load


async def all_hold(load: Load) -> None:
    assert judge(await load.finish()).broken == []


async def test_load_without_a_fault(cluster: Cluster) -> None:
    async with Load.on(cluster, SHAPE) as load:
        began = time.monotonic()
        await load.wait_for_posts(10 * RATE)  # long enough for a machine that is busy for a second
        assert 10 * RATE / (time.monotonic() - began) > RATE * 0.7
        await all_hold(load)


async def test_a_killed_node_costs_nobody_a_comment(cluster: Cluster) -> None:
    async with Load.on(cluster, SHAPE) as load:
        await load.wait_for_posts(WARM_UP)
        name = await busiest(cluster, "node", "viewers")
        assert (await state_of(cluster, name))["viewers"] > 0
        async with load.trouble(f"{name} killed", 5.0):
            await cluster.kill(name)
        await load.wait_for_posts(6 * RATE)
        await cluster.start(name)
        await load.wait_for_posts(RATE)
        await all_hold(load)
    async with Load.on(cluster, Shape(viewers=48, videos=24, rate=RATE)) as load:
        # It serves again.
        await eventually_in_state(cluster, name, lambda state: state["viewers"] > 0, tries=100)
        await all_hold(load)


@pytest.mark.parametrize("name", ["dispatcher-1", "dispatcher-2", "writer-1", "writer-2"])
async def test_a_killed_part_between_costs_nobody_a_comment(cluster: Cluster, name: str) -> None:
    async with Load.on(cluster, SHAPE) as load:
        await load.wait_for_posts(WARM_UP)
        async with load.trouble(f"{name} killed", 5.0):
            await cluster.kill(name)
        await load.wait_for_posts(4 * RATE)
        await cluster.start(name)
        await load.wait_for_posts(RATE)
        await all_hold(load)
    assert (await state_of(cluster, name))["ready"]


async def test_a_drained_node_loses_nothing_refuses_nobody_and_spreads_its_viewers(
    cluster: Cluster,
) -> None:
    """Nothing is observed of it: there is no trouble in this history, so every call and every
    connect has to be answered and every comment to be seen in time.
    """
    async with Load.on(cluster, PATIENT) as load:
        await load.wait_for_posts(WARM_UP)
        name = await busiest(cluster, "node", "viewers")
        moving = sum(served_by(watch) == name for watch in load.history.watches)
        assert await cluster.drain(name)
        await load.wait_for_posts(RATE)
        history = await load.finish()
    assert judge(history).broken == []
    assert [watch.refused for watch in history.watches if watch.refused] == []
    # 410: sent once more after it was removed, which the judge has looked at.
    assert {call.status for post in history.posts for call in post.calls} <= {200, 201, 410, 422}
    byes = sorted(
        (seen.at, seen.event.data["reason"])
        for watch in history.watches
        for seen in watch.seen()
        if seen.event.type == "bye"
    )
    assert {reason for _, reason in byes} == {"drain"}
    # Streams opened during the notice may have come and gone too: at least the ones it had.
    assert len(byes) >= moving > 0
    spread_evenly([at for at, _ in byes], history.lag_s)


def spread_evenly(times: list[float], lag_s: float) -> None:
    """`lag_s`: how long this process stood still; what came meanwhile was seen at once after it."""
    window_s = times[-1] - times[0]
    assert 3.0 < window_s < 8.0 * TIMEOUT_FACTOR
    per_half_second = [sum(start <= at < start + 0.5 for at in times) for start in times]
    assert max(per_half_second) <= max(3 * len(times) * (0.5 + lag_s) / window_s, 10)


async def test_without_dispatchers_antientropy_delivers(cluster: Cluster) -> None:
    """Each comment within 4 s while they are away, which is the bound without any fault; and at
    once again when one is back.
    """
    async with Load.on(cluster, SHAPE) as load:
        await load.wait_for_posts(WARM_UP)
        async with load.trouble("no dispatcher", 2.0, only_routes=True):
            await asyncio.gather(cluster.kill("dispatcher-1"), cluster.kill("dispatcher-2"))
            await load.wait_for_posts(6 * RATE)
            await cluster.start("dispatcher-1")
        await load.wait_for_posts(RATE)
        healed_at = time.monotonic()
        await load.wait_for_posts(2 * RATE)
        history = await load.finish()
        assert judge(history).broken == []
        history.troubles = [Trouble("no dispatcher", history.began_at, healed_at, 0.0)]
        assert impact_s(history)[0][1] <= 1.0 * TIMEOUT_FACTOR + history.lag_s


async def test_when_all_nodes_die_a_native_event_source_lives_on(cluster: Cluster) -> None:
    nodes = [part.name for part in cluster.parts if part.kind == "node"]
    async with Load.on(cluster, STAYING) as load:
        await load.wait_for_posts(WARM_UP)
        async with load.trouble("all nodes killed", 10.0):
            await asyncio.gather(*(cluster.kill(name) for name in nodes))
            byes = load.history.watches
            await eventually(
                lambda: sum(watch.events[-1].type == "bye" for watch in byes) > len(byes) / 2, 30
            )
            await asyncio.gather(*(cluster.start(name) for name in nodes))
        await load.wait_for_posts(3 * RATE)
        await all_hold(load)


async def test_when_the_gateway_dies_viewers_resume_whole(cluster: Cluster) -> None:
    async with Load.on(cluster, SHAPE) as load:
        await load.wait_for_posts(WARM_UP)
        watches = load.history.watches
        async with load.trouble("gateway killed", 5.0):
            await cluster.kill("haproxy")
            await eventually(lambda: sum(bool(watch.refused) for watch in watches) > 100, 30)
            await cluster.start("haproxy")
        await load.wait_for_posts(3 * RATE)
        await all_hold(load)


async def test_without_zookeeper_posting_and_delivery_go_on(cluster: Cluster) -> None:
    """Nothing is observed of it: there is no trouble in this history."""
    async with Load.on(cluster, STAYING) as load:
        await load.wait_for_posts(WARM_UP)
        await cluster.kill("zookeeper-1")
        await load.wait_for_posts(3 * RATE)
        # A video that nobody watched before works too, if slower.
        async with Load.on(cluster, Shape(viewers=8, videos=4, rate=10)) as fresh:
            async with fresh.trouble("unknown routes", 12.0):
                await fresh.wait_for_posts(20)
            await all_hold(fresh)
        await load.wait_for_posts(RATE)
        await cluster.start("zookeeper-1")
        await load.wait_for_posts(3 * RATE)
        await all_hold(load)
    for part in cluster.parts:
        if part.kind in ("node", "dispatcher", "writer"):
            await eventually_in_state(
                cluster, part.name, lambda state: state["zookeeper"] == "connected"
            )


async def test_without_writers_posts_are_refused_honestly_and_streams_stay(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    async with Load.on(cluster, STAYING) as load:
        await load.wait_for_posts(WARM_UP)
        streams = sum(len(watch.streams) for watch in load.history.watches)
        async with load.trouble("all writers killed", 3.0):
            await asyncio.gather(cluster.kill("writer-1"), cluster.kill("writer-2"))
            url = f"{cluster.http_url}/v1/videos/unwatched/comments"
            await eventually_503(session, url)
            await asyncio.gather(cluster.start("writer-1"), cluster.start("writer-2"))
        await load.wait_for_posts(2 * RATE)
        assert sum(len(watch.streams) for watch in load.history.watches) == streams
        await all_hold(load)


async def eventually_503(session: aiohttp.ClientSession, url: str) -> None:
    """A dying process may still have its socket for a moment: who meets it gets a 502 (unknown)."""
    status = 502
    for _ in range(20):
        async with session.post(url, json={"author": "a", "text": "b"}) as reply:
            status = reply.status
            assert status in (502, 503)
            assert reply.content_type == "application/problem+json"
            assert int(reply.headers["Retry-After"]) >= 1
            assert (await reply.json(content_type=None))["status"] == status
        if status == 503:
            return
    pytest.fail(f"still {status}")
