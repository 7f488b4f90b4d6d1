"""Fakes of a node's neighbours: a store in memory, a transport that records, a manual clock."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

import msgspec

from rtms_node.context import OnHead, OnRange, OnState
from wire.chunks import unchunk
from wire.errors import PeerError
from wire.internal import HeadsReply, RangeReply, State
from wire.testing import MemoryComments


class MemorySource(MemoryComments):
    """Implements `Source` over comments in memory. `away` makes reads fail."""

    def __init__(self, epoch: str = "testepoch001") -> None:
        super().__init__(epoch)
        self.away = False
        self.reads: list[tuple[Any, ...]] = []
        self.known: dict[str, int] = {}  # in the last read of heads
        self.states: dict[str, State] = {}

    def read_range(self, video_id: str, after: int, through: int) -> RangeReply:
        """What the store answers to a range read."""
        first, raws = self.find_between(video_id, after + 1, through)
        oldest, head = self.find_oldest(video_id), self.head(video_id)
        return RangeReply(self.epoch, oldest, head, first, tuple(map(msgspec.Raw, raws)))

    async def heads(
        self, video_ids: tuple[str, ...], known: dict[str, int], states: tuple[str, ...] = ()
    ) -> HeadsReply:
        """See Source."""
        self.known = known
        self._read("heads", video_ids)
        heads = {video_id: self.head(video_id) for video_id in video_ids}
        found = {one: self.states[one] for one in states if one in self.states}
        return HeadsReply(self.epoch, heads, found)

    async def range(self, video_id: str, after: int, through: int) -> RangeReply:
        """See Source."""
        self._read("range", video_id, after, through)
        return self.read_range(video_id, after, through)

    def _read(self, *read: Any) -> None:
        self.reads.append(read)
        if self.away:
            raise PeerError("away")


class ManualReads:
    """`StoreReads` whose answers the test gives, in the order and at the time it chooses."""

    def __init__(self, store: MemorySource) -> None:
        self.store = store
        self.last_ticket = 0
        self.heads: dict[str, Callable[..., None]] = {}
        self.seen: dict[str, int] = {}
        self.ranges: list[tuple[str, int, int, OnRange]] = []

    def want_head(
        self, video_id: str, on_head: OnHead, seen: int, on_state: OnState | None = None
    ) -> int:
        """See StoreReads. What is kept in `heads` tells the state too, if it is asked for: as it is
        then, or as `state` says.
        """
        self.last_ticket += 1
        self.seen[video_id] = max(seen, self.seen.get(video_id, 0))

        def answer(epoch: str, head: int, ticket: int, state: State | None = None) -> None:
            if on_state is not None:
                on_state(state or self.store.states.get(video_id, State()), head)
            on_head(epoch, head, ticket)

        self.heads[video_id] = answer
        return self.last_ticket

    def want_range(self, video_id: str, after: int, through: int, on_range: OnRange) -> None:
        """See StoreReads."""
        self.ranges.append((video_id, after, through, on_range))

    def forget(self, video_id: str) -> None:
        """See StoreReads."""
        self.heads.pop(video_id, None)

    def answer_heads(self) -> None:
        """Answer every head that is asked for, from the store as it is now."""
        heads, self.heads = self.heads, {}
        for video_id, on_head in heads.items():
            on_head(self.store.epoch, self.store.head(video_id), self.last_ticket)

    def answer_range(self, *, fail: bool = False) -> tuple[int, int]:
        """Answer the oldest range read; returns its bounds (after, through)."""
        video_id, after, through, on_range = self.ranges.pop(0)
        on_range(None if fail else self.store.read_range(video_id, after, through))
        return after, through


class RecordingTransport(asyncio.Transport):
    """Keeps what the written chunks carry. `fill()` makes it behave like a full buffer until
    `drain()`; `unsent` bytes keep a close from being done.
    """

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.writes = 0
        self.closed = False
        self.aborted = False
        self.unsent = False
        self.protocol: asyncio.Protocol | None = None
        self.full_after: int | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Record; pauses the protocol when `full_after` more writes have been made."""
        self.written += unchunk(bytes(data))
        self.writes += 1
        if self.full_after is not None:
            self.full_after -= 1
            if self.full_after == 0:
                self.fill()

    def fill(self) -> None:
        """The buffer is over its high-water mark."""
        assert self.protocol is not None
        self.protocol.pause_writing()

    def drain(self) -> None:
        """The buffer has drained."""
        assert self.protocol is not None
        self.full_after = None
        self.protocol.resume_writing()

    def close(self) -> None:
        """Close as a socket does: the protocol hears of it, once all bytes are sent."""
        if not self.unsent:
            self._lose("closed")

    def abort(self) -> None:
        """Reset."""
        self._lose("aborted")

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing to limit."""

    def get_write_buffer_size(self) -> int:
        """Nothing waits here: what is full is the reader."""
        return 0

    def _lose(self, how: str) -> None:
        if self.closed or self.aborted:
            return
        setattr(self, how, True)
        assert self.protocol is not None
        self.protocol.connection_lost(None)


class ManualClock:
    """The part of an event loop that a node uses, at the test's pace: `time`, `call_soon`,
    `call_later`.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._count = 0
        self._calls: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._loop = asyncio.new_event_loop()
        self._loop.close()

    def time(self) -> float:
        """Seconds since the start of the test."""
        return self._now

    def call_soon(self, callback: Callable[..., Any], *args: Any) -> asyncio.Handle:
        """As an event loop; runs in the next `advance`."""
        return self.call_later(0.0, callback, *args)

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any) -> asyncio.Handle:
        """As an event loop."""
        self._count += 1
        when = self._now + delay
        handle = asyncio.TimerHandle(when, callback, args, self._loop)
        heapq.heappush(self._calls, (when, self._count, handle))
        return handle

    def advance(self, seconds: float) -> None:
        """Let time pass and run what falls due, in order."""
        until = self._now + seconds
        while self._calls and self._calls[0][0] <= until:
            self._now, _, handle = heapq.heappop(self._calls)
            if not handle.cancelled():
                handle._run()
        self._now = until
