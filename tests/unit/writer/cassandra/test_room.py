"""Many heads, or posts to many videos, leave the session's calls to others too."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from tests.support import eventually
from writer.cassandra.config import CassandraConfig
from writer.cassandra.layout import BUCKET_SIZE, Buckets
from writer.cassandra.reads import CassandraReads
from writer.cassandra.session import MAX_AT_ONCE
from writer.cassandra.store import CassandraStore
from writer.stepwise.paging import HEADS_AT_ONCE
from writer.stepwise.store import APPENDS_AT_ONCE
from writer.store import Item


class Held:
    """In place of what would call Cassandra: counts who is there, and lets nobody go before `gate`
    is set.
    """

    def __init__(self) -> None:
        self.gate, self.there, self.most = asyncio.Event(), 0, 0

    async def _stay(self) -> list[Any]:
        self.there += 1
        self.most = max(self.most, self.there)
        await self.gate.wait()
        self.there -= 1
        return []

    async def call(self, _build: object, *, profile: str) -> list[Any]:
        return await self._stay()

    async def append(self, _epoch: str, _video_id: str, _items: Sequence[Item]) -> list[Any]:
        return await self._stay()


def test_heads_appends_and_pages_fit_into_the_calls_of_the_session() -> None:
    bounds = CassandraStore.read_bounds
    pages = bounds.ranges.at_once + bounds.history.at_once
    assert HEADS_AT_ONCE + APPENDS_AT_ONCE + pages <= MAX_AT_ONCE


async def test_a_thousand_heads_are_read_a_few_at_a_time() -> None:
    held: Any = Held()
    reads = CassandraReads(held, Buckets(BUCKET_SIZE))
    reading = asyncio.create_task(reads.fetch_heads([f"v{n}" for n in range(1_000)], {}))
    await eventually(lambda: held.there == HEADS_AT_ONCE)
    held.gate.set()
    assert set((await reading).values()) == {0}
    assert held.most == HEADS_AT_ONCE


async def test_posts_to_many_videos_are_stored_a_few_at_a_time() -> None:
    held: Any = Held()
    store = CassandraStore(CassandraConfig(()))
    store._epoch, store._append = "testepoch001", held
    appends = [asyncio.create_task(store.append(f"v{n}", [])) for n in range(1_000)]
    await eventually(lambda: held.there == APPENDS_AT_ONCE)
    held.gate.set()
    await asyncio.gather(*appends)
    assert held.most == APPENDS_AT_ONCE
