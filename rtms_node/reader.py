"""Reads of the store for the node: batched heads, ranges in order, never more than a few at once.

Invariants: a head that was asked for is read again and again until that succeeds or the video is
forgotten; after that a read under way for it is neither answered nor tried again. A range is tried
once (on every writer) and then answered with None: only its asker knows whether it still needs it.
Of one video one range is read at a time. Heads alone say whether the store can be reached: they are
read all the time, and a range may be late while the store is well. Callbacks run on the event loop,
never inside `want_*`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import islice
from typing import Protocol

import structlog

from rtms_node.context import OnHead, OnRange, OnState
from service.tasks import TaskHome
from wire.errors import LivecommentsError
from wire.internal import MAX_HEADS, MAX_RANGE, HeadsReply, RangeReply, State

log = structlog.get_logger()

MAX_RANGES_AT_ONCE = 32
_NO_RULES = State()

_Range = tuple[int, int, OnRange]  # after, through
_Head = tuple[OnHead, int, OnState | None]  # with the highest number seen


class Source(Protocol):
    """Where heads and ranges are read. Both raise LivecommentsError when nobody can answer now."""

    async def heads(
        self, video_ids: tuple[str, ...], known: dict[str, int], states: tuple[str, ...] = ()
    ) -> HeadsReply:
        """Newest numbers of up to MAX_HEADS videos. A number below what is `known` of a video must
        come from the store itself, not from a cache. states: of which of them the state is wanted.
        """

    async def range(self, video_id: str, after: int, through: int) -> RangeReply:
        """Comments after < seq <= through; may be cut short at a page's size."""


class StoreReader:
    """Implements `StoreReads` over a source. reachable: whether the last read of heads worked."""

    def __init__(
        self,
        source: Source,
        tasks: TaskHome,
        on_reachable: Callable[[bool], None],
        retry_s: float = 0.5,
    ) -> None:
        """`on_reachable` is told when heads begin to fail and when they come again."""
        self._source, self._tasks, self._retry_s = source, tasks, retry_s
        self._on_reachable = on_reachable
        self._wanted: dict[str, _Head] = {}
        self._asked: dict[str, _Head] = {}  # of the read under way
        self._wake = asyncio.Event()
        self._ranges = asyncio.Semaphore(MAX_RANGES_AT_ONCE)
        self.last_ticket = 0
        self._ranges_of: dict[str, deque[_Range]] = {}  # while a range of the video is read
        self._under_way: list[str] = []  # at most MAX_RANGES_AT_ONCE
        self.ranges_waiting = 0
        self.ranges_at_once = 0  # the most that were ever read of one video at the same time
        self.head_reads = 0
        self.reachable = True

    @property
    def heads_waiting(self) -> int:
        """Videos whose head is asked for; bounded by the videos that the node serves."""
        return len(self._wanted)

    def start(self) -> None:
        """Begin to read heads."""
        self._tasks.spawn(self._read_heads(), "heads")

    def want_head(
        self, video_id: str, on_head: OnHead, seen: int, on_state: OnState | None = None
    ) -> int:
        """See StoreReads."""
        self.last_ticket += 1
        self._want(video_id, on_head, seen, on_state)
        self._wake.set()
        return self.last_ticket

    def forget(self, video_id: str) -> None:
        """Nobody needs this video's head any more, nor a range that is not being read yet."""
        self._wanted.pop(video_id, None)
        self._asked.pop(video_id, None)
        ranges = self._ranges_of.get(video_id, deque())
        self.ranges_waiting -= len(ranges)
        ranges.clear()

    def want_range(self, video_id: str, after: int, through: int, on_range: OnRange) -> None:
        """See StoreReads. Bounded by its askers: each room has at most two under way."""
        self.ranges_waiting += 1
        wanted = (after, through, on_range)
        if video_id in self._ranges_of:
            self._ranges_of[video_id].append(wanted)
        else:
            self._ranges_of[video_id] = deque([wanted])
            self._tasks.spawn(self._read_ranges(video_id), "ranges")

    async def _read_heads(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._wanted:
                if not await self._read_batch(self._take_batch()):
                    await asyncio.sleep(self._retry_s)

    def _take_batch(self) -> tuple[str, ...]:
        videos = tuple(islice(self._wanted, MAX_HEADS))
        self._asked = {video_id: self._wanted.pop(video_id) for video_id in videos}
        return videos

    def _want(self, video_id: str, on_head: OnHead, seen: int, on_state: OnState | None) -> None:
        before = self._wanted.get(video_id)
        if before is not None and before[1] > seen:
            seen = before[1]
        self._wanted[video_id] = (on_head, seen, on_state)

    async def _read_batch(self, videos: tuple[str, ...]) -> bool:
        ticket = self.last_ticket  # what is asked for from now on needs another read
        self.head_reads += 1
        try:
            known = {video_id: seen for video_id, (_, seen, _) in self._asked.items() if seen}
            states = tuple(one for one, (_, _, on_state) in self._asked.items() if on_state)
            reply = await self._source.heads(videos, known, states)
        except LivecommentsError as exc:
            self._note(exc)
            self._want_again()
            return False
        self._note(None)
        epoch, heads, asked = reply.epoch, reply.heads, self._asked
        for video_id in videos:
            wanted = asked.pop(video_id, None)
            if wanted is not None:  # else it was forgotten
                on_head, _, on_state = wanted
                head = heads.get(video_id, 0)
                if on_state is not None:
                    on_state(reply.states.get(video_id, _NO_RULES), head)
                on_head(epoch, head, ticket)
        return True

    def _want_again(self) -> None:
        asked, self._asked = self._asked, {}
        for video_id, head in asked.items():
            # If the video was asked for again during the read, that asker gets the answer.
            on_head, _, on_state = self._wanted.get(video_id, head)
            self._want(video_id, on_head, head[1], on_state)

    async def _read_ranges(self, video_id: str) -> None:
        queue = self._ranges_of[video_id]
        try:
            while queue:
                await self._read_range(video_id, *queue.popleft())
        finally:
            del self._ranges_of[video_id]

    async def _read_range(self, video_id: str, after: int, through: int, on_range: OnRange) -> None:
        try:
            async with self._ranges, self._counted(video_id):
                reply: RangeReply | None = await self._whole_range(video_id, after, through)
        except LivecommentsError:
            reply = None
        finally:
            self.ranges_waiting -= 1
        on_range(reply)

    @asynccontextmanager
    async def _counted(self, video_id: str) -> AsyncIterator[None]:
        self._under_way.append(video_id)
        self.ranges_at_once = max(self.ranges_at_once, self._under_way.count(video_id))
        try:
            yield
        finally:
            self._under_way.remove(video_id)

    async def _whole_range(self, video_id: str, after: int, through: int) -> RangeReply:
        """All pages of a range as one reply; at most MAX_RANGE comments."""
        through = min(through, after + MAX_RANGE)
        reply = await self._source.range(video_id, after, through)
        comments = reply.comments
        while comments and (last := reply.first_seq + len(comments) - 1) < min(through, reply.head):
            page = await self._source.range(video_id, last, through)
            if page.epoch != reply.epoch or not page.comments or page.first_seq != last + 1:
                break  # the store changed between two pages: what is here is still right
            comments += page.comments
        return RangeReply(reply.epoch, reply.oldest, reply.head, reply.first_seq, comments)

    def _note(self, error: LivecommentsError | None) -> None:
        reachable = error is None
        if reachable != self.reachable:
            self.reachable = reachable
            self._on_reachable(reachable)
            if error is not None:
                log.warning("store_unreachable", error=str(error))
            else:
                log.info("store_reachable")
