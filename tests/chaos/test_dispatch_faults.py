"""T10 to T18: comments between the writer and the nodes, and the dispatchers themselves."""

from __future__ import annotations

import asyncio
import secrets
import time

import aiohttp
import pytest

from cluster.parts import Kind
from tests.bounds import record
from tests.chaos.cluster_under_test import ClusterUnderTest
from tests.chaos.event_source import EventSource
from tests.chaos.faults import Crash, Kill, Pause
from tests.chaos.figures import grown_mib, lateness_s, quantile, resident_bytes
from tests.chaos.healing import note
from tests.chaos.history import Watch
from tests.chaos.link_faults import Bent, Cut, Flaky, Hold
from tests.chaos.rows import row
from tests.e2e.parts import figure
from tests.support import TIMEOUT_FACTOR, eventually
from tests.tcp_proxy import Bend

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    ("name", "point"),
    [("T10", "dispatcher.before_forward"), ("T11", "dispatcher.after_forward")],
)
async def test_t10_t11_a_dispatcher_dies_with_comments_in_its_hands(
    under_test: ClusterUnderTest, name: str, point: str
) -> None:
    async with row(name, under_test) as it:
        crash = Crash(
            under_test, ["dispatcher-1"], 4.0, True, only_routes=True, point=f"{point}:kill@60"
        )
        await it.strike(crash, hold_s=1.0)


async def test_a_dispatcher_is_killed(under_test: ClusterUnderTest) -> None:
    async with row("dispatcher killed", under_test) as it:
        await it.strike(Kill(under_test, ["dispatcher-1"], 4.0), hold_s=6.0)


async def test_all_dispatchers_are_killed(under_test: ClusterUnderTest) -> None:
    async with row("dispatchers killed", under_test) as it:
        names = under_test.names(Kind.DISPATCHER)
        await it.strike(Kill(under_test, names, 4.0, True, only_routes=True), hold_s=8.0)


async def test_t12_a_dispatcher_acts_on_an_old_routing_table(under_test: ClusterUnderTest) -> None:
    """While it stands still a node is replaced and viewers move; then it goes on."""
    async with row("T12", under_test) as it:
        async with it.load.trouble("dispatcher-1 stands still", 4.0):
            under_test.cluster.pause("dispatcher-1")
            await asyncio.sleep(5.0)
        await it.strike(Kill(under_test, ["node-1"], 5.0, True), hold_s=5.0)
        await it.strike(Pause(under_test, ["dispatcher-1"], 4.0, True), hold_s=40.0)


async def test_t13_two_dispatchers_forward_the_same_comment(under_test: ClusterUnderTest) -> None:
    """A key that is replayed on the other writer, cut off from the first dispatcher: the node gets
    the comment from both, and the viewer once.
    """
    assert under_test.links is not None
    nodes = under_test.names(Kind.NODE)
    metric = "livecomments_repeated_total"
    before = sum([await figure(under_test.cluster, name, metric) for name in nodes])
    video_id, key = secrets.token_hex(6), secrets.token_hex(6)
    watch = Watch(video_id)
    host, port = under_test.cluster.address("haproxy", "http")
    viewer = asyncio.create_task(EventSource(host, port, watch).run())
    await eventually(lambda: watch.place == 0)
    try:
        async with aiohttp.ClientSession() as session:
            for turn in (("writer-1", "dispatcher-2"), ("writer-2", "dispatcher-1")):
                writer, away = turn
                await under_test.links.act([f"{writer}>{away}"], lambda proxy: proxy.cut())
                url = f"{under_test.cluster.url(writer, 'public')}/v1/videos/{video_id}/comments"
                headers = {"Idempotency-Key": key}
                async with session.post(
                    url, json={"author": "a", "text": "once"}, headers=headers
                ) as reply:
                    assert reply.status in (200, 201)
            await eventually(lambda: watch.place == 1)
            url = f"{under_test.cluster.http_url}/v1/videos/{video_id}/comments"
            async with session.post(url, json={"author": "a", "text": "after it"}) as reply:
                assert reply.status == 201
        await eventually(lambda: watch.place == 2)
    finally:
        viewer.cancel()
    assert sum([await figure(under_test.cluster, name, metric) for name in nodes]) > before
    assert [event.type for event in watch.events] == ["hello", "comment", "comment"]


async def test_t15_forwards_and_dispatches_lose_their_replies(under_test: ClusterUnderTest) -> None:
    assert under_test.links is not None
    hops = ["writer-*>dispatcher-*", "dispatcher-*>node-*"]
    before = [under_test.links.lost_replies(hop) for hop in hops]
    async with row("T15", under_test) as it:
        flaky = Flaky(under_test, hops, 3.0, True, True, every_s=0.3, loses_replies=True)
        await it.strike(flaky, hold_s=10.0)
    lost = [under_test.links.lost_replies(hop) - had for hop, had in zip(hops, before, strict=True)]
    assert min(lost) > 0, f"none was lost: {lost}"


async def test_connections_between_our_processes_are_reset_again_and_again(
    under_test: ClusterUnderTest,
) -> None:
    async with row("resets", under_test) as it:
        hops = ["*>dispatcher-*", "*>node-*", "*>writer-*"]
        await it.strike(Flaky(under_test, hops, 3.0, True, True, every_s=0.3), hold_s=10.0)


async def test_a_dispatcher_is_cut_off_from_the_writers(under_test: ClusterUnderTest) -> None:
    async with row("dispatcher cut off", under_test) as it:
        cut = Cut(under_test, ["writer-*>dispatcher-1"], 4.0, True, only_routes=True)
        await it.strike(cut, hold_s=8.0)


async def test_t16_the_last_comment_before_a_silence_is_lost(under_test: ClusterUnderTest) -> None:
    assert under_test.links is not None
    video_id = secrets.token_hex(6)
    watch = Watch(video_id)
    host, port = under_test.cluster.address("haproxy", "http")
    viewer = asyncio.create_task(EventSource(host, port, watch).run())
    await eventually(lambda: watch.place == 0)
    url = f"{under_test.cluster.http_url}/v1/videos/{video_id}/comments"
    try:
        async with aiohttp.ClientSession() as session:
            await under_test.links.act(
                under_test.links.find("dispatcher-*>*"), lambda proxy: proxy.cut()
            )
            async with session.post(url, json={"author": "a", "text": "the last"}) as reply:
                assert reply.status == 201
            began = time.monotonic()
            await eventually(lambda: watch.place == 1, 4.0)
            took_s = time.monotonic() - began
            note("T16: X 4.0 s", took_s)
            assert took_s < 4.0 * TIMEOUT_FACTOR
    finally:
        viewer.cancel()


async def test_t17_one_node_that_answers_in_5_s_delays_no_other(
    under_test: ClusterUnderTest,
) -> None:
    """The slow one fills its gaps from the store, within the bound that always holds."""
    async with row("T17", under_test) as it:
        before = time.monotonic()
        slow = Bent(
            under_test, ["dispatcher-*>node-1"], 4.0, True, True, shape=Bend(latency_s=2.5)
        )  # each way
        await it.strike(slow, hold_s=12.0)
        history = it.load.history
    calm = quantile(lateness_s(history, history.began_at, before, without="node-1"), 0.99)
    others = quantile(lateness_s(history, before, before + 12.0, without="node-1"), 0.99)
    record(f"T17 others' p99: {1000 * calm:.0f} ms in calm, {1000 * others:.0f} ms then")
    assert others <= max(1.1 * calm, calm + 0.025) * TIMEOUT_FACTOR


async def test_t18_a_dead_target_costs_a_dispatcher_no_memory(under_test: ClusterUnderTest) -> None:
    """Half a minute instead of ten: the queue's bound (5 s of age) is met many times over."""
    async with row("T18", under_test) as it:
        names = under_test.names(Kind.DISPATCHER)
        before = {name: resident_bytes(under_test.cluster, name) for name in names}
        await it.strike(Hold(under_test, ["dispatcher-*>node-1"], 4.0, True, True), hold_s=30.0)
        after = {name: resident_bytes(under_test.cluster, name) for name in names}
    grown = grown_mib(before, after)
    record(f"T18: X +16 MiB, +{grown:.1f} MiB at the worst dispatcher")
    assert grown < 16
