"""Heads that many ask for: one read per video at a time, and its answer serves for a moment.

Invariants: a head is kept for `keep_s` after its read began, so an answer is never older than that.
A fresh head is one whose read began after it was asked for: a read that is under way may have been
answered before, so whoever asks then shares the next one. What is kept never denies a number:
whoever has seen one says so, and a lower head is read again before it is told. Bounds: one read
under way and one waiting per video; `max_kept` heads are remembered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from writer.recent_values import RecentValues

KEEP_S = 0.5
MAX_KEPT = 50_000


class HeadReads:
    """`read` fetches the head of one video. To be used on one event loop."""

    def __init__(
        self,
        read: Callable[[str], Awaitable[int]],
        *,
        keep_s: float = KEEP_S,
        max_kept: int = MAX_KEPT,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read, self._keep_s, self._now = read, keep_s, now
        self._kept = RecentValues[str, tuple[float, int]](max_kept)  # when its read began, head
        self._under_way: dict[str, asyncio.Task[int]] = {}
        self._next: dict[str, asyncio.Task[int]] = {}
        self.shared = 0  # answers that cost no read

    async def head(self, video_id: str, at_least: int = 0) -> int:
        """The head as it was at most `keep_s` ago; a fresh one if that is below `at_least`.

        Raises what `read` raises.
        """
        began, head = self._kept.get(video_id) or (float("-inf"), 0)
        if head >= at_least and self._now() - began < self._keep_s:
            self.shared += 1
            return head
        task = self._under_way.get(video_id)
        if task is None or at_least > 0:
            return await self.fresh(video_id)
        self.shared += 1
        return await asyncio.shield(task)

    async def many(self, video_ids: Sequence[str], known: Mapping[str, int]) -> dict[str, int]:
        """Of each video as `head`, at least what is `known` of it."""
        heads = await asyncio.gather(
            *(self.head(video_id, known.get(video_id, 0)) for video_id in video_ids)
        )
        return dict(zip(video_ids, heads, strict=True))

    async def fresh(self, video_id: str) -> int:
        """The head as of a read that begins after this call. Raises what `read` raises."""
        task = self._next.get(video_id)
        if task is not None:
            self.shared += 1
        elif (under_way := self._under_way.get(video_id)) is None:
            task = self._begin(video_id)
        else:
            task = self._next[video_id] = self._spawn(self._follow(under_way, video_id))
        return await asyncio.shield(task)

    def learn(self, video_id: str, head: int) -> None:
        """This process has just stored up to `head`."""
        self._kept.put(video_id, (self._now(), head))

    async def stop(self) -> None:
        """End what is under way."""
        tasks = [*self._next.values(), *self._under_way.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, video_id: str) -> asyncio.Task[int]:
        task = self._under_way[video_id] = self._spawn(self._fetch(video_id))
        return task

    async def _follow(self, before: asyncio.Task[int], video_id: str) -> int:
        await asyncio.wait([before])
        # From now on whoever asks for a fresh head waits for the one after this.
        self._under_way[video_id] = self._next.pop(video_id)
        return await self._fetch(video_id)

    async def _fetch(self, video_id: str) -> int:
        began = self._now()
        try:
            head = await self._read(video_id)
        finally:
            if self._under_way.get(video_id) is asyncio.current_task():
                del self._under_way[video_id]
        known_at, _ = self._kept.get(video_id) or (began, 0)
        if known_at <= began:  # else this process has stored more since
            self._kept.put(video_id, (began, head))
        return head

    def _spawn(self, coro: Awaitable[int]) -> asyncio.Task[int]:
        task: asyncio.Task[int] = asyncio.ensure_future(coro)
        task.add_done_callback(_seen)
        return task


def _seen(task: asyncio.Task[int]) -> None:
    if not task.cancelled():
        task.exception()  # seen, also when everybody who waited has gone
