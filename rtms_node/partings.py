"""Streams that were told `bye`, until their connections are closed.

A browser whose connection breaks drops what its page has not read yet: Chromium lost 4 to 13 of 100
byes that the end followed at once. So the end comes a moment later; who has read the `bye` may
leave sooner.

Invariants: no viewer is here for longer than that moment. Of more than `max_partings` the oldest
are closed early, and counted: a flood of streams that may not be opened must not hold descriptors.
One timer serves all.
"""

from __future__ import annotations

from rtms_node.context import NodeContext
from rtms_node.viewer import Viewer
from rtms_node.waits import Waits

_EARLY_S = 0.005  # a timer's clock is no finer


class Partings:
    """Owned by the hub."""

    def __init__(self, context: NodeContext) -> None:
        self._ctx = context
        self._waits = Waits()
        self._is_timed = False

    def __len__(self) -> int:
        return len(self._waits)

    def add(self, viewer: Viewer) -> None:
        """It was told `bye`: close it when it has had time to read that."""
        self._waits.begin(viewer, self._ctx.loop.time())
        if len(self._waits) > self._ctx.limits.max_partings:
            self._ctx.stats.hasty_partings += 1
            oldest, _ = self._waits.oldest
            self._waits.end(oldest)
            oldest.close()
        self._set_timer()

    def discard(self, viewer: Viewer) -> None:
        """It has left."""
        self._waits.end(viewer)

    def _set_timer(self) -> None:
        if len(self._waits) and not self._is_timed:
            self._is_timed = True
            _, since = self._waits.oldest
            left_s = since + self._ctx.limits.parting_s - self._ctx.loop.time()
            self._ctx.loop.call_later(max(left_s, 0.0), self._close_due)

    def _close_due(self) -> None:
        self._is_timed = False
        due = self._ctx.loop.time() + _EARLY_S - self._ctx.limits.parting_s
        for viewer in self._waits.take_since(due):
            viewer.close()
        self._set_timer()
