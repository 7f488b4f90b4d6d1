"""Backfill: what viewers need from before the ring's start.

Invariants: a viewer whose cursor lies before the ring's start waits here. One range is read at a
time, shared by all who wait, never for more than the replay bound; after a read that failed, or
that did not reach up to the ring, the next one waits for a pause, whoever falls behind meanwhile.
What a viewer cannot get is named by a `gap` before it is released. Who has left, or is on the way
out, is sent nothing.
"""

from __future__ import annotations

import asyncio

from rtms_node.context import NodeContext
from rtms_node.fanout import Fanout
from rtms_node.timeline import Timeline
from rtms_node.viewer import Viewer
from wire.internal import RangeReply
from wire.sse import GapReason


class Backfill:
    """Owned by one room; holds the viewers that wait for a range read."""

    __slots__ = ("_asked", "_behind", "_closed", "_ctx", "_fanout", "_pause", "_ring", "_timeline")

    def __init__(self, context: NodeContext, timeline: Timeline, fanout: Fanout) -> None:
        self._ctx, self._timeline, self._fanout = context, timeline, fanout
        self._ring = timeline.ring
        self._behind: dict[Viewer, None] = {}
        self._asked = self._closed = False
        self._pause: asyncio.TimerHandle | None = None  # until a range may be asked for again

    def __contains__(self, viewer: Viewer) -> bool:
        return viewer in self._behind

    def add(self, viewer: Viewer) -> None:
        """The viewer needs comments from before the ring's start."""
        self._behind[viewer] = None
        self._ctx.waits.begin(viewer, self._ctx.loop.time())
        self._ask()

    def discard(self, viewer: Viewer) -> None:
        """The viewer has left."""
        if viewer in self._behind:
            del self._behind[viewer]
            self._ctx.waits.end(viewer)

    def clear(self) -> None:
        """The ring was restarted: nobody needs what lies before it."""
        for viewer in list(self._behind):
            self.discard(viewer)

    def close(self) -> None:
        """Late replies and timers do nothing from now on."""
        self._closed = True
        if self._pause is not None:
            self._pause.cancel()

    def _ask(self) -> None:
        if not self._behind or self._asked or self._closed:
            return
        lowest = min(viewer.cursor for viewer in self._behind)
        after = max(lowest, self._ring.head - self._ctx.limits.max_replay)
        if self._ring.holds_after(after):
            self._settle(oldest=0)
        elif self._pause is None:
            self._asked = True
            self._ctx.stats.backfills += 1
            self._ctx.reads.want_range(
                self._timeline.video_id, after, self._ring.first - 1, self._on_range
            )

    def _on_range(self, reply: RangeReply | None) -> None:
        self._asked = False
        if self._closed:
            return
        if reply is None:
            self._ctx.stats.failed_reads += 1
            self._ask_later()
        elif not self._timeline.accept(reply):
            return  # another epoch: every viewer was reset
        elif self._timeline.prepend(reply) or reply.oldest >= self._ring.first:
            self._settle(reply.oldest)
        else:
            self._ask_later()  # the ring was trimmed meanwhile: what came does not reach up to it

    def _ask_later(self) -> None:
        self._pause = self._ctx.loop.call_later(self._ctx.limits.retry_read_s, self._pause_over)

    def _pause_over(self) -> None:
        self._pause = None
        self._ask()

    def _settle(self, oldest: int) -> None:
        """Release everybody for whom a further read would bring nothing. oldest: the lowest number
        that the store still has. Who came during the read with an older cursor waits for the next.
        """
        waiting, self._behind = self._behind, {}
        for viewer in waiting:
            if viewer.closing:
                self._ctx.waits.end(viewer)
                continue
            reason = self._reason_to_skip(viewer.cursor, oldest)
            if reason is None and not self._ring.holds_after(viewer.cursor):
                self._behind[viewer] = None
                continue
            self._ctx.waits.end(viewer)
            if reason is not None:
                viewer.say(self._fanout.skip(viewer, self._ring.first - 1, reason))
            self._fanout.catch_up(viewer)
        self._ask()

    def _reason_to_skip(self, cursor: int, oldest: int) -> GapReason | None:
        """Why a viewer at `cursor` cannot get all that follows it; None if it can, now or later."""
        ring = self._ring
        if ring.holds_after(cursor):
            return None
        if oldest >= ring.first:
            return GapReason.RETENTION
        oldest_replayed = ring.head - self._ctx.limits.max_replay
        return GapReason.MEMORY if ring.holds_after(max(cursor, oldest_replayed)) else None
