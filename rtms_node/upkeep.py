"""Upkeep: what the clock does to the streams of a node.

Invariants: every viewer of a room in which nothing was sent for a heartbeat interval gets a
heartbeat, also while it waits for its `hello`. Nobody waits, or stays paused, much longer than the
limits say, and no stream goes on when its ticket is over. After a sweep the frames of all rooms fit
into the byte budget. What there is to do costs time, not the rooms and viewers with which all is
well. Long walks are made in slices: a node goes on serving meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import structlog

from rtms_node.context import NodeContext
from rtms_node.hub import Hub
from rtms_node.viewer import Viewer
from wire.chunks import chunk
from wire.sse import HEARTBEAT, ByeReason

log = structlog.get_logger()

_HEARTBEAT = chunk(HEARTBEAT)


class Upkeep:
    """Keeps no state of its own. Both methods return after the first slice of their walk."""

    def __init__(self, context: NodeContext, hub: Hub) -> None:
        self._ctx, self._hub = context, hub

    def sweep(self) -> None:
        """Once a second: cut slow viewers, end waits that are too long and streams that are over,
        keep the byte budget.
        """
        now = self._ctx.loop.time()
        self._cut_slow(now)
        late = self._ctx.waits.take_since(now - self._ctx.limits.hello_wait_s)
        self._ctx.walk(iter(late), self._send_away, self._keep_budget)
        self._ctx.walk(iter(self._hub.ends.take(now)), self._end)

    def heartbeat(self) -> None:
        """Several times a heartbeat interval: show silent rooms' viewers, and every proxy between,
        that their streams live.
        """
        self._ctx.walk(self._silent_viewers(), _beat)

    def _cut_slow(self, now: float) -> None:
        for viewer in list(self._hub.paused):  # oldest first
            if now - viewer.paused_at < self._ctx.limits.slow_after_s:
                break
            self._cut(viewer)

    def _cut(self, viewer: Viewer) -> None:
        self._hub.paused.pop(viewer, None)
        self._hub.bye(viewer, ByeReason.SLOW)
        room = self._hub.viewers.get(viewer)
        log.info("slow_viewer_cut", video_id=room.video_id if room else "")
        # Its buffer will hardly ever drain: the reset frees it.
        self._ctx.loop.call_later(self._ctx.limits.abort_after_s, viewer.abort)

    def _send_away(self, viewers: Sequence[Viewer]) -> None:
        for viewer in viewers:
            self._hub.bye(viewer, ByeReason.UNAVAILABLE)

    def _end(self, viewers: Sequence[Viewer]) -> None:
        for viewer in viewers:
            self._hub.bye(viewer, ByeReason.EXPIRED)

    def _silent_viewers(self) -> Iterator[Viewer]:
        for room in self._hub.silence.take(self._ctx.loop.time()):
            yield from list(room.viewers)

    def _keep_budget(self) -> None:
        total = self._hub.frame_bytes
        if total <= self._ctx.limits.frame_budget_bytes:
            return
        for room in sorted(self._hub.rooms.values(), key=lambda room: room.active_at):
            total -= room.frame_bytes
            room.drop_frames()
            if total <= self._ctx.limits.frame_budget_bytes:
                return


def _beat(viewers: Sequence[Viewer]) -> None:
    for viewer in viewers:
        if not viewer.paused_at and not viewer.closing:
            viewer.send(_HEARTBEAT)
