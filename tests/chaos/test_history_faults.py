"""T30, T32: a store that begins anew under its viewers, and a history that is very long."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from cluster.parts import Kind
from cluster.runtime import Condition
from tests.bounds import record
from tests.chaos.cluster_under_test import ClusterUnderTest
from tests.chaos.event_source import EventSource
from tests.chaos.figures import grown_mib, resident_bytes
from tests.chaos.healing import note
from tests.chaos.history import Watch
from tests.support import TIMEOUT_FACTOR, eventually

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300 * TIMEOUT_FACTOR)]

VIEWERS = 30
TOTAL = 100_000
MEMORY_MIB = 64
REPLAY = 1_000


async def test_t30_the_file_is_lost_under_its_viewers_and_numbers_begin_anew(
    under_test: ClusterUnderTest,
) -> None:
    """The writers end when they see it; with the next file all viewers are told, and see all."""
    video_id, writers = secrets.token_hex(6), under_test.names(Kind.WRITER)
    url = f"{under_test.cluster.http_url}/v1/videos/{video_id}/comments"
    async with aiohttp.ClientSession() as session, watching(under_test, video_id, "") as watches:
        old = [await _post(session, url) for _ in range(5)]
        await eventually(lambda: all(watch.place == 5 for watch in watches))
        file = under_test.cluster.folder.sqlite
        for path in file.parent.glob(f"{file.name}*"):
            path.unlink()
        await eventually(
            lambda: {under_test.cluster.condition(name) for name in writers} == {Condition.DEAD}
        )
        await asyncio.gather(*(under_test.cluster.start(name) for name in writers))
        began = time.monotonic()
        new = [await _post(session, url) for _ in range(7)]
        await eventually(lambda: all(one.events[-1].data == new[-1] for one in watches), 5.0)
        note("T30 reset: X 5.0 s", time.monotonic() - began)
    epoch = new[0]["id"].partition("-")[0]
    assert [comment["seq"] for comment in new] == list(range(1, 8))
    for watch in watches:
        kinds = [event.type for event in watch.events]
        assert kinds == ["hello", *["comment"] * 5, "reset", *["comment"] * 7]
        assert [event.data for event in watch.events[1:6]] == old
        assert (watch.events[6].id, watch.events[6].data) == (f"{epoch}-0", {"reason": "epoch"})
        assert [event.data for event in watch.events[7:]] == new


async def test_t32_a_history_of_100_000_is_read_while_it_grows(
    under_test: ClusterUnderTest,
) -> None:
    """Pages are whole and in order; viewers with a cursor at the beginning get a gap and the last
    1,000, and then what is live; all of it costs the nodes little memory.
    """
    video_id = secrets.token_hex(6)
    path = f"/v1/videos/{video_id}/comments"
    url = f"{under_test.cluster.url('writer-1', 'public')}{path}"
    async with aiohttp.ClientSession() as session:
        epoch = await _fill(session, url)
        nodes = under_test.names(Kind.NODE)
        before = {name: resident_bytes(under_test.cluster, name) for name in nodes}
        posting, stop = asyncio.Event(), asyncio.Event()
        growing = asyncio.create_task(_post_on(session, url, posting, stop))
        await posting.wait()
        async with watching(under_test, video_id, f"{epoch}-0") as watches:
            read = await _read_all(session, under_test.cluster.http_url + path, epoch)
            stop.set()
            live = await growing
            await eventually(lambda: all(watch.head == TOTAL + live for watch in watches))
            after = {name: resident_bytes(under_test.cluster, name) for name in nodes}
    grown = grown_mib(before, after)
    record(f"T32: X +{MEMORY_MIB} MiB, +{grown:.1f} MiB at the worst node")
    assert grown < MEMORY_MIB
    assert len(read) > TOTAL
    assert read == list(range(1, len(read) + 1))
    for watch in watches:
        gap = watch.events[1]
        assert [event.type for event in watch.events[:2]] == ["hello", "gap"]
        assert (gap.data["from"], gap.data["reason"]) == (1, "limit")
        assert gap.data["to"] >= TOTAL - REPLAY
        shown = [event.data["seq"] for event in watch.events if event.type == "comment"]
        assert shown == list(range(gap.data["to"] + 1, TOTAL + live + 1))
        assert len(watch.streams) == 1


@asynccontextmanager
async def watching(
    under_test: ClusterUnderTest, video_id: str, cursor: str
) -> AsyncIterator[list[Watch]]:
    """Viewers through the gateway that have their place."""
    watches = [Watch(video_id, f"viewer {n}", cursor) for n in range(VIEWERS)]
    query = f"?last_event_id={cursor}" if cursor else ""
    address = under_test.cluster.address("haproxy", "http")
    tasks = [asyncio.create_task(EventSource(*address, one, query).run()) for one in watches]
    try:
        await eventually(lambda: all(watch.place is not None for watch in watches))
        yield watches
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _fill(session: aiohttp.ClientSession, url: str) -> str:
    """TOTAL comments; their epoch."""
    first = await _post(session, url)
    numbers = iter(range(TOTAL - 1))

    async def fill() -> None:
        for _ in numbers:
            await _post(session, url)

    await asyncio.gather(*(fill() for _ in range(64)))
    return str(first["id"]).partition("-")[0]


async def _post_on(
    session: aiohttp.ClientSession, url: str, posting: asyncio.Event, stop: asyncio.Event
) -> int:
    """One comment after the other; how many."""
    count = 0
    while not stop.is_set():
        await _post(session, url)
        posting.set()
        count += 1
        await asyncio.sleep(0.02)
    return count


async def _post(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with session.post(url, json={"author": "a", "text": "x"}) as reply:
        assert reply.status == 201
        told: dict[str, Any] = await reply.json()
        return told


async def _read_all(session: aiohttp.ClientSession, url: str, epoch: str) -> list[int]:
    found: list[int] = []
    after = f"{epoch}-0"
    while True:
        async with session.get(url, params={"limit": 200, "after": after}) as reply:
            assert reply.status == 200
            page = await reply.json()
        found += [comment["seq"] for comment in page["comments"]]
        if len(page["comments"]) < 200:
            return found
        after = page["comments"][-1]["id"]
