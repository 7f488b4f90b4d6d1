"""Heads and pages as stores with steps read them: see `ports.Reads`.

Invariant: the head is read first and the entries up to it afterwards, so a reply never lacks one
below its own head.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

from writer.head_reads import HeadReads
from writer.recent_values import RecentValues
from writer.store import Page

MAX_VIDEOS_KNOWN = 50_000
HEADS_AT_ONCE = 64  # of the session's calls, so that a thousand heads leave room for other calls
_OLDEST_FOR_S = 1.0


class PagedReads:
    """Implements part of `ports.Reads`; a store adds how it reads a head, a run of entries and the
    first one that is left. Owns what is remembered of what retention has removed.
    """

    def __init__(self) -> None:
        self.heads = HeadReads(self._read_head)
        self._head_turns = asyncio.Semaphore(HEADS_AT_ONCE)
        self._oldest = RecentValues[str, tuple[float, int]](MAX_VIDEOS_KNOWN)  # when, lower bound

    async def fetch_head(self, video_id: str, *, serial: bool = False) -> int:
        """As ports.Reads.fetch_head."""
        raise NotImplementedError

    async def fetch_heads(
        self, video_ids: Sequence[str], known: Mapping[str, int]
    ) -> dict[str, int]:
        """Heads, maybe a moment old; see HeadReads."""
        return await self.heads.many(video_ids, known)

    async def fetch_range(self, video_id: str, after: int, through: int) -> Page:
        """As CommentStore.range."""
        head = await self.heads.fresh(video_id)
        return await self._page(video_id, max(after, 0), min(through, head), head)

    async def fetch_recent(self, video_id: str, limit: int, before: int | None) -> Page:
        """As CommentStore.recent."""
        head = await self.heads.fresh(video_id)
        last = head if before is None else min(head, before - 1)
        return await self._page(video_id, max(last - limit, 0), last, head)

    async def _newest_run(
        self, video_id: str, after: int, last: int, *, gone: bool = False
    ) -> tuple[int, list[bytes]]:
        """The newest unbroken run of what was numbered in after < seq <= last, with the number of
        its first one; including what is under way, unless all of it is `gone`.
        """
        raise NotImplementedError

    async def _first_stored(self, video_id: str, oldest: int, head: int) -> int:
        """The first number from `oldest` on that is stored, head + 1 if none is."""
        raise NotImplementedError

    async def _read_head(self, video_id: str) -> int:
        async with self._head_turns:
            return await self.fetch_head(video_id)

    async def _page(self, video_id: str, after: int, last: int, head: int) -> Page:
        gone = last < self._known_oldest(video_id)  # for certain: nothing of it can be under way
        first, raws = await self._newest_run(video_id, after, last, gone=gone)
        whole = bool(raws) and first == after + 1
        oldest = await self._fetch_oldest(video_id, head, trusts=whole or after >= last)
        if raws and first > max(oldest, after + 1):
            oldest = first  # there is a hole: what lies before it counts as gone
        return Page(first, tuple(raws), oldest, head)

    async def _fetch_oldest(self, video_id: str, head: int, *, trusts: bool) -> int:
        """The first number that is stored, head + 1 if none is. `trusts`: whether an answer of up
        to _OLDEST_FOR_S ago is good enough.
        """
        at, oldest = self._oldest.get(video_id) or (float("-inf"), 1)
        if trusts and time.monotonic() - at < _OLDEST_FOR_S:
            return oldest
        if head >= oldest:
            oldest = await self._first_stored(video_id, oldest, head)
        self._oldest.put(video_id, (time.monotonic(), oldest))
        return oldest

    def _known_oldest(self, video_id: str) -> int:
        return (self._oldest.get(video_id) or (0.0, 1))[1]
