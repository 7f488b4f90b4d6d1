"""T01 to T09: what happens to nodes, with 1,000 viewers where the row says so."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter

import aiohttp
import pytest

from cluster.parts import Kind
from tests.bounds import record
from tests.chaos.cluster_under_test import ClusterUnderTest
from tests.chaos.event_source import EventSource
from tests.chaos.faults import Drain, Kill, Pause
from tests.chaos.healing import note
from tests.chaos.history import Watch
from tests.chaos.link_faults import Hold
from tests.chaos.load import Load
from tests.chaos.rows import THOUSAND, row
from tests.support import TIMEOUT_FACTOR, eventually
from tests.tcp_proxy import BOTH, Direction

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


def busiest(load: Load) -> str:
    """The node with the most viewers, by the viewers' own record."""
    serving = Counter(watch.streams[-1].node for watch in load.history.watches if watch.streams)
    return serving.most_common(1)[0][0]


async def test_t01_a_node_is_killed(under_test: ClusterUnderTest) -> None:
    async with row("T01", under_test, THOUSAND) as it:
        await it.strike(Kill(under_test, [busiest(it.load)], 5.0), hold_s=8.0)


async def test_t02_a_node_is_drained(under_test: ClusterUnderTest) -> None:
    """Nothing is observed, and nobody is sent away in a burst."""
    async with row("T02", under_test, THOUSAND) as it:
        name = busiest(it.load)
        had = sum(watch.streams[-1].node == name for watch in it.load.history.watches)
        await it.strike(Drain(under_test, [name], 0.0, only_routes=True), hold_s=0.0)
        watches = it.load.history.watches
        byes = sorted(
            seen.at for watch in watches for seen in watch.seen() if seen.event.type == "bye"
        )
        errors = [watch.fatal for watch in watches if watch.fatal]
    assert not errors
    assert len(byes) >= had * 0.9
    even = len(byes) / (byes[-1] - byes[0])
    most = max(sum(start <= at < start + 1.0 for at in byes) for start in byes)
    record(f"T02: X 2.0 of the even rate of byes, {most / even:.2f} ({len(byes)} byes)")
    assert most <= 2.0 * even * TIMEOUT_FACTOR


async def test_t03_a_node_stands_still_for_30_s(under_test: ClusterUnderTest) -> None:
    async with row("T03", under_test) as it:
        await it.strike(Pause(under_test, [busiest(it.load)], 20.0), hold_s=30.0)


async def test_t04_a_node_stands_still_for_3_s(under_test: ClusterUnderTest) -> None:
    async with row("T04", under_test) as it:
        await it.strike(Pause(under_test, [busiest(it.load)], 4.0, lasts=True), hold_s=3.0)


async def test_t06_a_node_loses_zookeeper(under_test: ClusterUnderTest) -> None:
    """Viewers feel nothing beyond the bound that always holds; its session goes in this time."""
    async with row("T06", under_test) as it:
        hold = Hold(under_test, [f"{busiest(it.load)}>zookeeper-*"], 10.0, True, only_routes=True)
        await it.strike(hold, hold_s=15.0)


@pytest.mark.parametrize(
    "directions",
    [BOTH, frozenset({Direction.TO_SERVER}), frozenset({Direction.TO_CLIENT})],
    ids=["both", "calls", "answers"],
)
async def test_t07_a_node_loses_the_dispatchers(
    under_test: ClusterUnderTest, directions: frozenset[Direction]
) -> None:
    async with row("T07", under_test) as it:
        hop = f"dispatcher-*>{busiest(it.load)}"
        hold = Hold(under_test, [hop], 4.0, True, only_routes=True, directions=directions)
        await it.strike(hold, hold_s=10.0)


async def test_t08_a_node_loses_the_writers(under_test: ClusterUnderTest) -> None:
    """Live comments go on; only who joins meanwhile may have to wait."""
    async with row("T08", under_test) as it:
        hold = Hold(under_test, [f"{busiest(it.load)}>writer-*"], 5.0, True, only_routes=True)
        await it.strike(hold, hold_s=12.0, joins_wait=True)


async def test_t08_a_resume_that_needs_the_store_is_whole_or_put_off(
    under_test: ClusterUnderTest,
) -> None:
    """Straight at a node that does not know the video: no part of it, a `bye`, then all of it."""
    video_id = secrets.token_hex(6)
    url = f"{under_test.cluster.http_url}/v1/videos/{video_id}/comments"
    async with aiohttp.ClientSession() as session:
        for number in range(300):
            async with session.post(url, json={"author": "a", "text": f"{number}"}) as reply:
                assert reply.status == 201
                epoch = (await reply.json())["id"].partition("-")[0]
    hold = Hold(under_test, ["node-1>writer-*"], 5.0)
    await hold.inject()
    watch = Watch(video_id, cursor=f"{epoch}-0")
    source = EventSource(
        *under_test.cluster.address("node-1", "public"), watch, f"?last_event_id={epoch}-0"
    )
    viewer = asyncio.create_task(source.run())
    try:
        await eventually(lambda: watch.events, 15.0)
        assert [(one.type, one.data) for one in watch.events] == [
            ("bye", {"reason": "unavailable"})
        ]
        await hold.heal()
        healed_at = time.monotonic()
        await eventually(lambda: watch.place == 300, 5.0)
        note("T08 resumed: X 5.0 s", time.monotonic() - healed_at)
    finally:
        viewer.cancel()
    shown = [one.data["seq"] for one in watch.events if one.type == "comment"]
    assert shown == list(range(1, 301))
    assert {one.type for one in watch.events} == {"bye", "hello", "comment"}


async def test_t09_all_nodes_are_killed(under_test: ClusterUnderTest) -> None:
    async with row("T09", under_test, THOUSAND) as it:
        await it.strike(Kill(under_test, under_test.names(Kind.NODE), 10.0, lasts=True), hold_s=3.0)
