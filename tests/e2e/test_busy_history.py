"""Viewers come while a crowd pages through history, as fast as it can."""

from __future__ import annotations

import asyncio
import contextlib

import aiohttp

from cluster.cluster import Cluster
from cluster.parts import Kind
from tests.e2e.parts import figure
from tests.raw_http import Address, exchange, head, post, read_reply
from tests.support import TIMEOUT_FACTOR

CROWD, VIDEOS, VIEWERS = 300, 10, 20
STREAM_WITHIN_S = 10 * TIMEOUT_FACTOR  # as long as a node keeps a viewer waiting for its hello


async def page_on(door: Address, video_id: str, statuses: list[int]) -> None:
    """Ask for the newest page again and again, whatever comes."""
    request = head("GET", f"/v1/videos/{video_id}/comments?limit=200")
    while True:
        with contextlib.suppress(OSError, EOFError):
            reader, writer = await asyncio.open_connection(*door)
            with contextlib.closing(writer):
                while True:
                    writer.write(request)
                    statuses.append((await read_reply(reader)).status)


async def first_event(session: aiohttp.ClientSession, url: str) -> bytes:
    async with asyncio.timeout(STREAM_WITHIN_S), session.get(url) as stream:
        async for line in stream.content:
            if line.startswith(b"event:"):
                return line.strip()
    return b"none"


async def test_streams_begin_while_a_crowd_pages_through_history(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    door, statuses = cluster.address("haproxy", "http"), list[int]()
    for number in range(VIDEOS):
        await exchange(door, post(f"paged-{number}", b'{"author":"a","text":"x"}'))
    crowd = [
        asyncio.create_task(page_on(door, f"paged-{n % VIDEOS}", statuses)) for n in range(CROWD)
    ]
    nodes = [part.name for part in cluster.parts if part.kind == Kind.NODE]
    reachable = set[float]()
    for number in range(VIEWERS):
        url = f"{cluster.url('haproxy', 'http')}/v1/videos/paged-{number % VIDEOS}/stream"
        assert await first_event(session, url) == b"event: hello"
        reachable |= {await figure(cluster, node, "livecomments_store_reachable") for node in nodes}
    for task in crowd:
        task.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)
    assert reachable == {1.0}
    assert statuses.count(200) > CROWD
    assert set(statuses) <= {200, 503}
