"""The hub: all rooms of a node, and the bounds that hold over all of them.

Invariants: a video has a room while it has a viewer, and for a linger after the last one; the feed
is told when a room opens and when it closes, in that order. A stream that may not be opened,
because of a bound or a drain, gets a `bye` and is never refused in another way: a native
EventSource would give up for good.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import Callable

import structlog

from rtms_node.context import NodeContext
from rtms_node.feed import Feed
from rtms_node.partings import Partings
from rtms_node.room import Room
from rtms_node.silence import Silence
from rtms_node.stream_ends import Issue, StreamEnds
from rtms_node.viewer import Viewer
from wire.internal import Batch
from wire.sse import ByeReason

log = structlog.get_logger()


class Hub:
    """Owns every room. All methods run on the event loop and never block."""

    def __init__(
        self,
        context: NodeContext,
        feed: Feed,
        on_active: Callable[[str], None],
    ) -> None:
        """`on_active` is told the video of every join, and of a comment after `Limits.pause_s`."""
        self._ctx, self._feed, self._on_active = context, feed, on_active
        self.rooms: dict[str, Room] = {}
        self.viewers: dict[Viewer, Room | None] = {}  # None: refused, on its way out
        self.paused: dict[Viewer, None] = {}  # take no bytes now; oldest first
        self.silence = Silence(context.limits.heartbeat_s)
        self.ends = StreamEnds()
        self._partings = Partings(context)
        self.draining = False
        self.on_count: Callable[[str], None] | None = None  # told of a video's joins and leaves
        self._empty, self._watched = asyncio.Event(), asyncio.Event()
        self._empty.set()
        self._per_address: Counter[str] = Counter()
        self._lingering: dict[str, asyncio.TimerHandle] = {}

    @property
    def frame_bytes(self) -> int:
        """Bytes of frames in all rings."""
        return self._ctx.memory.size_bytes

    @property
    def paused_viewers(self) -> int:
        """How many viewers take no bytes now."""
        return len(self.paused)

    # Streams

    def join(
        self,
        viewer: Viewer,
        video_id: str,
        ends_at: float = math.inf,
        issue: Issue | None = None,
    ) -> None:
        """Open a stream: everything that the viewer gets comes after this. ends_at: the loop's time
        at which it has to end; if that is over, it gets nothing but a `bye`. issue: see StreamEnds.
        """
        self.viewers[viewer] = None
        self._empty.clear()
        self._watched.set()
        self._per_address[viewer.address] += 1
        self._ctx.stats.streams += 1
        reason = self._refusal(viewer, video_id)
        if reason is None and issue is not None and not self.ends.knows_revoked:
            reason = ByeReason.UNAVAILABLE  # no writer has said yet
        if reason is None and ends_at <= self._ctx.loop.time():
            reason = ByeReason.EXPIRED
        if reason is not None:
            self.bye(viewer, reason)
            return
        room = self.rooms.get(video_id) or self._open(video_id)
        if video_id in self._lingering:
            self._lingering.pop(video_id).cancel()
        self.viewers[viewer] = room
        if ends_at < math.inf:
            self.ends.add(viewer, ends_at, issue)
        if self.on_count is not None:  # before: the head read that a join may cause takes it along
            self.on_count(video_id)
        room.join(viewer)
        self._on_active(video_id)

    def leave(self, viewer: Viewer) -> None:
        """A stream has ended, whoever ended it."""
        self.paused.pop(viewer, None)
        self.ends.discard(viewer)
        self._partings.discard(viewer)
        if viewer not in self.viewers:
            return
        room = self.viewers.pop(viewer)
        if not self.viewers:
            self._empty.set()
            self._watched.clear()
        self._per_address[viewer.address] -= 1
        if not self._per_address[viewer.address]:
            del self._per_address[viewer.address]
        if room is not None:
            room.leave(viewer)
            if self.on_count is not None:
                self.on_count(room.video_id)
            if not room.viewers:
                self._linger(room)

    def bye(self, viewer: Viewer, reason: ByeReason) -> None:
        """End a stream, soon, and count why; does nothing if it is ending already."""
        if not viewer.closing:
            self._ctx.stats.byes[reason] += 1
            viewer.bye(reason)
            self._partings.add(viewer)

    def viewer_paused(self, viewer: Viewer) -> None:
        """Its buffer is full: skip it from now on."""
        viewer.paused_at = self._ctx.loop.time()
        self.paused[viewer] = None

    def viewer_resumed(self, viewer: Viewer) -> None:
        """Its buffer has drained: it catches up from its room's ring."""
        viewer.paused_at = 0.0
        self.paused.pop(viewer, None)
        room = self.viewers.get(viewer)
        if room is not None:
            room.catch_up(viewer)

    # Comments

    def ingest(self, batch: Batch) -> bool:
        """Comments that were forwarded; False if this node has no room for the video."""
        room = self.rooms.get(batch.video_id)
        self._ctx.stats.received += len(batch.comments)
        if room is None:
            self._ctx.stats.not_subscribed += len(batch.comments)
            return False
        if self._ctx.loop.time() - room.active_at > self._ctx.limits.pause_s:
            self._on_active(batch.video_id)
        room.ingest(batch)
        return True

    def check(self, video_id: str) -> None:
        """Compare a video with the store."""
        room = self.rooms.get(video_id)
        if room is not None:
            room.check()

    # Ending

    @property
    def staying(self) -> int:
        """How many viewers have not been told to go."""
        return sum(not viewer.closing for viewer in self.viewers)

    def drain_some(self, count: int) -> None:
        """Say `bye` to up to `count` viewers, chosen by chance: those of one video often came
        together, and must not all arrive together at another node.
        """
        staying = [viewer for viewer in self.viewers if not viewer.closing]
        for viewer in random.sample(staying, min(count, len(staying))):
            self.bye(viewer, ByeReason.DRAIN)

    def close(self) -> None:
        """End every stream and forget every room, at once."""
        self.draining = True
        for viewer in list(self.viewers):
            self.bye(viewer, ByeReason.DRAIN)
        for room in list(self.rooms.values()):
            self._close(room)

    async def wait_watched(self) -> None:
        """Wait until a stream is open."""
        await self._watched.wait()

    async def wait_empty(self, timeout_s: float) -> None:
        """Wait until no stream is open; after `timeout_s` those that are left are reset."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            for viewer in list(self.viewers):
                viewer.abort()

    def _refusal(self, viewer: Viewer, video_id: str) -> ByeReason | None:
        limits = self._ctx.limits
        if self.draining:
            return ByeReason.DRAIN
        full = (
            len(self.viewers) - len(self._partings) > limits.max_streams
            or self._per_address[viewer.address] > limits.max_streams_per_address
            or (video_id not in self.rooms and len(self.rooms) >= limits.max_videos)
        )
        return ByeReason.SHED if full else None

    def _open(self, video_id: str) -> Room:
        room = self.rooms[video_id] = Room(video_id, self._ctx)
        self.silence.add(room)
        self._feed.subscribe(video_id)
        log.info("video_opened", video_id=video_id)
        return room

    def _linger(self, room: Room) -> None:
        if self.draining:
            self._close(room)
        elif room.video_id not in self._lingering:
            self._lingering[room.video_id] = self._ctx.loop.call_later(
                self._ctx.limits.linger_s, self._close, room
            )

    def _close(self, room: Room) -> None:
        timer = self._lingering.pop(room.video_id, None)
        if timer is not None:
            timer.cancel()
        if self.rooms.get(room.video_id) is not room:
            return
        del self.rooms[room.video_id]
        room.close()
        self._ctx.reads.forget(room.video_id)
        self._feed.unsubscribe(room.video_id)
        log.info("video_closed", video_id=room.video_id)
