"""Upkeep: what the clock does to the streams of a node.

Invariants: every viewer of a room in which nothing was sent for a heartbeat interval gets a
heartbeat, also while it waits for its `hello`. Nobody waits, or stays paused, much longer than the
limits say. After a sweep the frames of all rooms fit into the byte budget. Long walks are made in
slices: a node of many rooms goes on serving meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import structlog

from rtms_node.context import NodeContext
from rtms_node.hub import Hub
from rtms_node.room import Room
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
        """Once a second: cut slow viewers, end waits that are too long, keep the byte budget."""
        now = self._ctx.loop.time()
        self._cut_slow(now)
        rooms = iter(list(self._hub.rooms.values()))
        self._ctx.walk(rooms, partial(_expire, now=now), self._keep_budget)

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

    def _silent_viewers(self) -> Iterator[Viewer]:
        for room in list(self._hub.rooms.values()):
            now = self._ctx.loop.time()
            if room.sent_at <= now - self._ctx.limits.heartbeat_s:
                room.sent_at = now
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


def _expire(rooms: Sequence[Room], now: float) -> None:
    for room in rooms:
        room.expire(now)


def _beat(viewers: Sequence[Viewer]) -> None:
    for viewer in viewers:
        if viewer.writable:
            viewer.send(_HEARTBEAT)
