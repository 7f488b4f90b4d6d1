"""T57, T63, T66: no descriptors, floods of one address, no memory."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from cluster.cluster import Cluster
from cluster.parts import Kind
from tests.chaos.cluster_under_test import ClusterUnderTest
from tests.chaos.figures import lateness_s, quantile
from tests.chaos.healing import note, until_whole
from tests.chaos.rows import row
from tests.chaos.starvation import OutOfDescriptors, OutOfMemory, new_memory_group
from tests.e2e.parts import figure
from tests.raw_http import Address
from tests.support import TIMEOUT_FACTOR

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300 * TIMEOUT_FACTOR)]

ENEMY = "127.0.0.2"  # another address than that of all other clients
RATE_ALLOWED, STREAMS_ALLOWED = 200, 400
FLOOD_S, FLOOD_PER_S, FLOOD_LINES, FLOOD_STREAMS = 8.0, 1_500, 20, 1_500


@pytest.fixture
async def limited(under_test: ClusterUnderTest) -> AsyncIterator[ClusterUnderTest]:
    """The bounds for one address low enough to be met by a test."""
    kinds = (Kind.WRITER, Kind.NODE)
    rate, streams = str(RATE_ALLOWED), str(STREAMS_ALLOWED)
    await _restart(
        under_test.cluster, kinds, POST_RATE_PER_ADDRESS=rate, MAX_STREAMS_PER_ADDRESS=streams
    )
    yield under_test
    await _restart(under_test.cluster, kinds, POST_RATE_PER_ADDRESS="", MAX_STREAMS_PER_ADDRESS="")


async def _restart(cluster: Cluster, kinds: tuple[Kind, ...], **variables: str) -> None:
    for kind in kinds:
        cluster.set_environment(kind, **variables)
        for part in cluster.parts:
            if part.kind is kind:
                await cluster.stop(part.name)
    await cluster.up()


async def test_t63_one_address_floods_posts_and_streams(limited: ClusterUnderTest) -> None:
    """Not 5,000 posts/s and 10,000 streams: the flood, the load and the system share a machine,
    and what they take from each other's processor is not what is judged here. Nobody watches what
    the enemy posts, so no node may be called for it.
    """
    async with row("T63", limited) as it:
        calm_from = it.load.history.began_at
        began = time.monotonic()
        door = limited.cluster.address("haproxy", "http")
        floods = [_flood_posts(door, began + FLOOD_S) for _ in range(FLOOD_LINES)]
        told, statuses = await asyncio.gather(_flood_streams(door), _sum(floods))
        await asyncio.sleep(max(began + FLOOD_S - time.monotonic(), 0.0) + 1.0)
        history = it.load.history
    calm = quantile(lateness_s(history, calm_from, began), 0.99)
    flooded = quantile(lateness_s(history, began, began + FLOOD_S), 0.99)
    note(f"T63 p99 {calm:.3f} s, in the flood {flooded:.3f} s; {dict(statuses)} {dict(told)}", 0.0)
    assert statuses[429] > 1_000
    assert 0 < statuses[201] <= RATE_ALLOWED * (FLOOD_S + 3.0)  # a burst of 2 s, and the end
    nodes = len(limited.names(Kind.NODE))
    assert told["shed"] >= FLOOD_STREAMS - nodes * STREAMS_ALLOWED
    assert flooded <= max(1.1 * calm, calm + 0.25) * TIMEOUT_FACTOR


async def _sum(floods: list[Coroutine[Any, Any, Counter[int]]]) -> Counter[int]:
    return sum(await asyncio.gather(*floods), Counter())


async def _flood_posts(door: Address, until: float) -> Counter[int]:
    """Ten requests at once, as fast as this line's share allows; the statuses."""
    body = b'{"author":"enemy","text":"x"}'
    request = (
        b"POST /v1/videos/flood/comments HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    reader, writer = await asyncio.open_connection(*door, local_addr=(ENEMY, 0))
    statuses: Counter[int] = Counter()
    while time.monotonic() < until:
        pause = asyncio.create_task(asyncio.sleep(10 * FLOOD_LINES / FLOOD_PER_S))
        writer.write(request * 10)
        for _ in range(10):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            statuses[int(head[9:12])] += 1
            assert head[9:12] != b"429" or b"retry-after: " in head
            length = int(head.partition(b"content-length: ")[2].partition(b"\r")[0])
            await reader.readexactly(length)
        await pause
    writer.close()
    return statuses


async def _flood_streams(door: Address) -> Counter[str]:
    """Open them all and keep them; what each was told first."""
    request = b"GET /v1/videos/crowd/stream?replay=0 HTTP/1.1\r\nHost: h\r\n\r\n"
    told: Counter[str] = Counter()
    writers = []
    for _ in range(FLOOD_STREAMS):
        reader, writer = await asyncio.open_connection(*door, local_addr=(ENEMY, 0))
        writer.write(request)
        writers.append(writer)
        found = b""
        while b"\n\n" not in found.partition(b"event: ")[2]:  # a chunk ends with another line end
            found += await reader.read(4096)
        told["shed" if b'{"reason":"shed"}' in found else "hello"] += 1
    for writer in writers:
        writer.transport.abort()
    return told


@pytest.mark.parametrize("kind", [Kind.NODE, Kind.DISPATCHER, Kind.WRITER])
async def test_t66_a_process_meets_its_memory_limit(
    under_test: ClusterUnderTest, kind: Kind
) -> None:
    """The kernel kills it in the middle of its work."""
    try:
        new_memory_group(1 << 30).rmdir()
    except OSError as exc:
        pytest.skip(f"because no memory limit may be set here: {exc}")
    async with row("T66", under_test) as it:
        fault = OutOfMemory(under_test, under_test.names(kind)[:1], 10.0, lasts=True)
        await it.strike(fault, hold_s=3.0)
        await until_whole(it, time.monotonic(), 10.0)


@pytest.mark.parametrize("kind", [Kind.NODE, Kind.DISPATCHER, Kind.WRITER])
async def test_t57_a_process_gets_no_descriptor(under_test: ClusterUnderTest, kind: Kind) -> None:
    """What it has goes on; new connections end at once, and it says afterwards what it lacked."""
    name = under_test.names(kind)[0]
    shortages = await figure(under_test.cluster, name, "livecomments_descriptor_shortages_total")
    async with row("T57", under_test) as it:
        streams = [
            (watch, len(watch.streams))
            for watch in it.load.history.watches
            if watch.left_at is None and watch.streams and watch.streams[-1].node == name
        ]
        fault = OutOfDescriptors(under_test, [name], 5.0, lasts=True)
        await it.strike(fault, hold_s=10.0)
        moved = [watch for watch, count in streams if len(watch.streams) != count]
        await until_whole(it, time.monotonic(), 5.0)
    assert moved == []
    now = await figure(under_test.cluster, name, "livecomments_descriptor_shortages_total")
    assert now > shortages
