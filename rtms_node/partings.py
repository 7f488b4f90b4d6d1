"""Streams that were told `bye`, until their connections are closed.

A browser whose connection breaks drops what its page has not read yet: Chromium lost 4 to 13 of 100
byes that the end followed at once. So the end comes a moment later; who has read the `bye` may
leave sooner.

Invariants: no viewer is here for longer than that moment. Of more than `max_partings` the oldest
are closed early, and counted: a flood of streams that may not be opened must not hold descriptors.
One timer serves all.
"""

from __future__ import annotations

from itertools import takewhile

from rtms_node.context import NodeContext
from rtms_node.viewer import Viewer

_EARLY_S = 0.005  # a timer's clock is no finer


class Partings:
    """Owned by the hub."""

    def __init__(self, context: NodeContext) -> None:
        self._ctx = context
        self._due: dict[Viewer, float] = {}  # the loop's time; oldest first
        self._is_timed = False

    def __len__(self) -> int:
        return len(self._due)

    def add(self, viewer: Viewer) -> None:
        """It was told `bye`: close it when it has had time to read that."""
        self._due[viewer] = self._ctx.loop.time() + self._ctx.limits.parting_s
        if len(self._due) > self._ctx.limits.max_partings:
            self._ctx.stats.hasty_partings += 1
            self._close(next(iter(self._due)))
        self._set_timer()

    def discard(self, viewer: Viewer) -> None:
        """It has left."""
        self._due.pop(viewer, None)

    def _set_timer(self) -> None:
        if self._due and not self._is_timed:
            self._is_timed = True
            left_s = next(iter(self._due.values())) - self._ctx.loop.time()
            self._ctx.loop.call_later(max(left_s, 0.0), self._close_due)

    def _close_due(self) -> None:
        self._is_timed = False
        now = self._ctx.loop.time() + _EARLY_S
        for viewer, _ in list(takewhile(lambda one: one[1] <= now, self._due.items())):
            self._close(viewer)
        self._set_timer()

    def _close(self, viewer: Viewer) -> None:
        del self._due[viewer]
        viewer.close()
