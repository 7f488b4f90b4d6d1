"""Honest fakes for tests: a store in memory that can be held and broken, a sink that remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from wire.errors import StoreUnavailable
from wire.internal import Batch
from wire.testing import MemoryComments
from writer.read_lanes import ReadBounds
from writer.store import Appended, Item, Outcome, Page


class MemoryStore:
    """Implements `writer.store.CommentStore`, without durability.

    `gate` cleared holds every append before it stores anything; `broken` makes every call fail;
    keys in `unsearched` are UNDECIDED. `groups` is what was asked of `append`.
    """

    read_bounds = ReadBounds.of(heads=4, ranges=4, history=4)

    def __init__(self, comments: MemoryComments | None = None) -> None:
        self._comments = comments or MemoryComments()
        self._open = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.broken = False
        self.unsearched: set[str] = set()
        self.groups: list[tuple[str, list[Item]]] = []

    async def start(self) -> None:
        """Serve calls."""
        self._open = True

    async def stop(self) -> None:
        """Refuse calls."""
        self._open = False

    async def epoch(self) -> str:
        """As CommentStore.epoch."""
        self._ensure_serving()
        return self._comments.epoch

    async def append(self, video_id: str, items: Sequence[Item]) -> list[Appended]:
        """As CommentStore.append."""
        self.groups.append((video_id, list(items)))
        await self.gate.wait()
        self._ensure_serving()
        return [self._append_one(video_id, item) for item in items]

    async def check(self) -> None:
        """As CommentStore.check."""
        self._ensure_serving()

    async def try_write(self) -> bool:
        """As CommentStore.try_write."""
        self._ensure_serving()
        return True

    async def range(
        self, video_id: str, after: int, through: int, *, for_history: bool = False
    ) -> Page:
        """As CommentStore.range."""
        return self._page(video_id, after + 1, through)

    async def recent(self, video_id: str, limit: int, before: int | None = None) -> Page:
        """As CommentStore.recent."""
        last = self._comments.head(video_id)
        last = last if before is None else min(last, before - 1)
        return self._page(video_id, last - limit + 1, last)

    async def heads(
        self, video_ids: Sequence[str], known: Mapping[str, int] | None = None
    ) -> dict[str, int]:
        """As CommentStore.heads."""
        self._ensure_serving()
        return {video_id: self._comments.head(video_id) for video_id in video_ids}

    def _ensure_serving(self) -> None:
        if self.broken or not self._open:
            raise StoreUnavailable("broken or closed")

    def _append_one(self, video_id: str, item: Item) -> Appended:
        if item.key in self.unsearched:
            return Appended(Outcome.UNDECIDED, 0, b"")
        known = self._comments.keys.get((video_id, item.key)) if item.key is not None else None
        if known is not None:
            seq, comment = known
            if comment != item.comment:
                return Appended(Outcome.CONFLICT, 0, b"")
            return Appended(Outcome.REPLAYED, seq, self._comments.find_raw(video_id, seq))
        seq, raw = self._comments.add(video_id, item.comment, item.created_at)
        if item.key is not None:
            self._comments.keys[(video_id, item.key)] = (seq, item.comment)
        return Appended(Outcome.NEW, seq, raw)

    def _page(self, video_id: str, first: int, last: int) -> Page:
        self._ensure_serving()
        first, raws = self._comments.find_between(video_id, first, last)
        oldest, head = self._comments.find_oldest(video_id), self._comments.head(video_id)
        return Page(first, raws, oldest, head)


class ListSink:
    """Implements `writer.sink.CommentSink`: keeps what it was offered."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    @property
    def queued(self) -> int:
        """Nothing waits."""
        return 0

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Nothing to do."""

    def offer(self, batch: Batch) -> None:
        """Keep the batch."""
        self.batches.append(batch)
