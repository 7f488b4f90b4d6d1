"""T42 to T45, T49, T64: viewers that race, stall and hang on bad lines."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
import socket
import time
from collections import Counter
from dataclasses import replace

import aiohttp
import pytest

from cluster.parts import Kind
from tests.bounds import record
from tests.chaos.cluster_under_test import ClusterUnderTest
from tests.chaos.event_source import EventSource
from tests.chaos.figures import grown_mib, lateness_s, quantile, resident_bytes
from tests.chaos.history import Watch
from tests.chaos.judged import judged
from tests.chaos.rows import Row, row
from tests.chaos.traffic import Shape
from tests.sse_parser import SseParser
from tests.support import TIMEOUT_FACTOR, eventually
from tests.tcp_proxy import Bend, TcpProxy

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

LONG = "🎈" * 480  # with a number before it, near the most that a comment may have
_SLOW = re.compile(r'livecomments_byes_total\{reason="slow"\} ([0-9.e+]+)')


async def test_t42_viewers_join_exactly_while_comments_commit(under_test: ClusterUnderTest) -> None:
    """1,000 joins in some seconds of posting; the judge holds every first event against what it
    had to be.
    """
    shape = Shape(viewers=20, videos=5, rate=100, churn_s=0)
    async with judged(under_test, shape, name="T42") as load:
        for number in range(1_000):
            load.watch(load.videos[number % len(load.videos)])
            await asyncio.sleep(0.005)
        await load.wait_for_posts(100)


async def test_t43_the_last_viewer_leaves_as_another_joins(under_test: ClusterUnderTest) -> None:
    """Again and again, within the linger and around its end; what is posted then still arrives."""
    shape = Shape(viewers=6, videos=6, rate=30, churn_s=0)
    async with judged(under_test, shape, name="T43") as load:
        for turn in range(60):
            for watch in [one for one in load.history.watches if one.left_at is None]:
                await load.leave(watch)
                await asyncio.sleep((0.0, 0.005, 0.01)[turn % 3])
                load.watch(watch.video_id)
            await asyncio.sleep(0.1 if turn % 10 else 3.0)
        await load.wait_for_posts(60)


async def test_t44_a_viewer_that_stops_reading_is_cut_and_others_feel_nothing(
    under_test: ClusterUnderTest,
) -> None:
    """Through the gateway; it comes back with its cursor and has everything. What others saw is
    held against the same posts to a viewer that reads.
    """
    video_id = secrets.token_hex(6)
    host, port = under_test.cluster.address("haproxy", "http")
    async with row("T44", under_test) as it, aiohttp.ClientSession() as session:
        calm = await others_p99_beside_a_reader(it)
        async with it.load.trouble("a viewer does not read", 20.0, only_routes=True):
            stalled = socket.create_connection((host, port))
            stalled.sendall(
                f"GET /v1/videos/{video_id}/stream HTTP/1.1\r\nHost: h\r\n\r\n".encode()
            )
            slow = await slow_byes(under_test, session)
            stalled_at = time.monotonic()
            total = 0
            while await slow_byes(under_test, session) == slow:
                assert time.monotonic() - stalled_at < 40.0 * TIMEOUT_FACTOR
                total = await post_some(it, video_id, total)
        cut_at = time.monotonic()
        parser = SseParser()
        events = parser.feed(read_all(stalled).partition(b"\r\n\r\n")[2])
        seen = [json.loads(one.data)["seq"] for one in events if one.type == "comment"]
        watch = Watch(video_id, cursor=parser.last_event_id)
        source = EventSource(host, port, watch, f"?last_event_id={parser.last_event_id}")
        viewer = asyncio.create_task(source.run())
        await eventually(lambda: watch.place == total)
        viewer.cancel()
        then = quantile(lateness_s(it.load.history, stalled_at, cut_at), 0.99)
    record(f"T44: X 20.0 s, cut after {cut_at - stalled_at:.1f} s")
    record(f"T44 others' p99: {1000 * calm:.0f} ms beside a reader, {1000 * then:.0f} ms then")
    seen += [one.data["seq"] for one in watch.events if one.type == "comment"]
    assert seen == list(range(1, total + 1))
    assert cut_at - stalled_at <= 20.0 * TIMEOUT_FACTOR
    assert then <= max(1.1 * calm, calm + 0.05) * TIMEOUT_FACTOR


async def others_p99_beside_a_reader(it: Row) -> float:
    """What T44 posts, for 10 s, to a viewer that reads; seconds."""
    load = it.load
    watch = load.watch(secrets.token_hex(6))
    await eventually(lambda: watch.place is not None)
    began, total = time.monotonic(), 0
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < began + 10.0:
            await slow_byes(it.under_test, session)  # costs others what it costs them later
            total = await post_some(it, watch.video_id, total)
    await eventually(lambda: watch.place == total)
    await load.leave(watch)
    others = [one for one in load.history.watches if one is not watch]
    history = replace(load.history, watches=others)
    return quantile(lateness_s(history, began, time.monotonic()), 0.99)


async def post_some(it: Row, video_id: str, total: int) -> int:
    """Enough, again and again, to fill every buffer on the way in a few seconds; the new total."""
    for number in range(total + 1, total + 6):
        await it.load.post(video_id, f"{number} {LONG}")
    await asyncio.sleep(0.02)
    return total + 5


async def slow_byes(under_test: ClusterUnderTest, session: aiohttp.ClientSession) -> float:
    total = 0.0
    for name in under_test.names(Kind.NODE):
        async with session.get(f"{under_test.cluster.url(name)}/metrics") as reply:
            total += sum(map(float, _SLOW.findall(await reply.text())))
    return total


def read_all(sock: socket.socket) -> bytes:
    """Everything that had reached this side before the connection was reset."""
    found = b""
    sock.settimeout(5.0)
    with sock, contextlib.suppress(OSError):
        while data := sock.recv(65536):
            found += data
    return found


async def test_t45_viewers_on_narrow_lines_cost_little_and_see_no_disorder(
    under_test: ClusterUnderTest,
) -> None:
    """200 at 1 KB/s instead of 5,000: late, cut now and then, but whole and in order."""
    host, port = under_test.cluster.address("haproxy", "http")
    names = under_test.names(Kind.NODE)
    async with TcpProxy(port) as proxy:
        proxy.bend(Bend(bytes_per_s=1_000, slice_bytes=250))
        shape = Shape(viewers=60, videos=6, rate=60, churn_s=0)
        before = {name: resident_bytes(under_test.cluster, name) for name in names}
        late = ("P8", "P9")  # that they are, and what they are told of how many watch
        async with judged(under_test, shape, name="T45", settle_s=60, but=late) as load:
            watches = [Watch(load.videos[0], f"narrow {number}") for number in range(200)]
            load.history.watches += watches
            viewers = [
                asyncio.create_task(EventSource(host, proxy.port, watch).run()) for watch in watches
            ]
            await asyncio.sleep(30.0)
            after = {name: resident_bytes(under_test.cluster, name) for name in names}
            proxy.heal()
        for viewer in viewers:
            viewer.cancel()
    grown = grown_mib(before, after)
    record(f"T45: X +64 MiB, +{grown:.1f} MiB at the worst node")
    assert grown < 64


async def test_t49_streams_break_off_in_the_middle_of_a_frame(under_test: ClusterUnderTest) -> None:
    """All viewers of a load hang on one line, which breaks after so many bytes, again and again."""
    _, port = under_test.cluster.address("haproxy", "http")
    async with TcpProxy(port) as proxy:
        shape, url = Shape(viewers=60, videos=6, rate=60), f"http://127.0.0.1:{proxy.port}"
        async with judged(under_test, shape, name="T49", url=url) as load:
            async with load.trouble("broken lines", 5.0):
                for number in range(8):
                    proxy.limit(20_000 + 37 * number)
                    await asyncio.sleep(1.0)
                    proxy.heal()
                    await asyncio.sleep(1.0)
            await asyncio.sleep(5.0 * TIMEOUT_FACTOR + 1.0)  # what is late from now on is wrong
    watches = load.history.watches
    assert sum(len(watch.streams) for watch in watches) > 2 * len(watches)


async def test_t64_a_hot_video_is_spread_over_all_nodes(under_test: ClusterUnderTest) -> None:
    """95 % of all viewers on one video: no node has more than a quarter above its share."""
    async with row(
        "T64", under_test, Shape(videos=20, hot_viewers=0.95, rate=110, hot_posts=0.05)
    ) as it:
        watches = it.load.history.watches
        serving = Counter(watch.streams[-1].node for watch in watches if watch.left_at is None)
        mean = sum(serving.values()) / len(under_test.names(Kind.NODE))
    record(f"T64: X 1.25 of the mean, {max(serving.values()) / mean:.2f}")
    assert max(serving.values()) <= 1.25 * mean + 2
