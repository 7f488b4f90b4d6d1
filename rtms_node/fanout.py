"""Fan-out of one video: new frames to every viewer that can take bytes, without ever waiting for
one.

Invariants: a round walks over the viewers in slices and yields to other work between them. Each
viewer gets everything after its own cursor, so it does not matter what arrived, or who joined,
between two slices. A comment on an idle video goes out at once; when rounds follow one another
closely, frames wait for the next tick and leave joined in one write. The more a round costs, the
longer the tick: under overload it joins more instead of falling behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rtms_node.limits import Limits
from rtms_node.ring import Ring
from rtms_node.slices import walk
from rtms_node.stats import Stats
from rtms_node.viewer import Viewer
from service.failpoints import Failpoint, reach

_MAX_TIMED = 1_000  # batches whose latency is noted per round


class Fanout:
    """Owned by one room. `behind` is called with a viewer whose cursor lies before the ring's
    start.
    """

    __slots__ = (
        "_accepted_at", "_again", "_behind", "_limits", "_loop", "_observe", "_round_began",
        "_stats", "_tick_s", "_timed", "_timer", "_viewers", "_walking", "ring", "sent_at",
    )  # fmt: skip

    def __init__(
        self,
        viewers: dict[Viewer, None],
        loop: asyncio.AbstractEventLoop,
        limits: Limits,
        stats: Stats,
        behind: Callable[[Viewer], None],
        observe: Callable[[float], None],
    ) -> None:
        self.ring: Ring | None = None
        self.sent_at = loop.time()
        self._viewers = viewers
        self._loop, self._limits, self._stats = loop, limits, stats
        self._behind = behind
        self._observe = observe
        self._tick_s = limits.tick_min_s
        self._timer: asyncio.TimerHandle | None = None
        self._walking = False
        self._again = False
        self._round_began = 0.0
        self._accepted_at: list[float] = []  # of the next round
        self._timed: list[float] = []  # of this one

    def touch(self, accepted_at: float) -> None:
        """The ring has grown. accepted_at: wall clock of the post, 0 when it is not known."""
        if accepted_at and len(self._accepted_at) < _MAX_TIMED:
            self._accepted_at.append(accepted_at)
        if self._walking:
            self._again = True
        elif self._timer is None:
            self._schedule()

    def close(self) -> None:
        """Cancel what is scheduled."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def catch_up(self, viewer: Viewer, joined: dict[int, tuple[bytes, int]] | None = None) -> None:
        """Write everything after the viewer's cursor, or until it takes no more.

        joined: payloads made in this round, by cursor; viewers at the same place share one.
        """
        ring, stats = self.ring, self._stats
        assert ring is not None
        joined = {} if joined is None else joined
        while viewer.cursor < ring.head and viewer.writable:
            cursor = viewer.cursor
            chunk = joined.get(cursor)
            if chunk is None:
                if not ring.holds_after(cursor):
                    self._behind(viewer)
                    return
                chunk = joined[cursor] = ring.join(cursor, self._limits.max_write_bytes)
            # The cursor first: `send` may pause the viewer, and that callback must see where it
            # stands.
            viewer.cursor = chunk[1]
            viewer.send(chunk[0])
            stats.writes += 1
            stats.deliveries += chunk[1] - cursor

    def _schedule(self) -> None:
        wait_s = self.sent_at + self._tick_s - self._loop.time()
        if self._round_began == 0.0 or wait_s <= 0:
            self._round()
        else:
            self._timer = self._loop.call_later(wait_s, self._round)

    def _round(self) -> None:
        self._timer = None
        self._walking = True
        self._round_began = self.sent_at = self._loop.time()
        self._timed, self._accepted_at = self._accepted_at, []
        viewers = iter(list(self._viewers))
        size = self._limits.slice_size
        walk(self._loop, viewers, size, self._write_slice, self._round_done)

    def _write_slice(self, viewers: list[Viewer]) -> None:
        """One payload serves all viewers at the same place: the first one there has it made, and
        for the others hardly more than the system call is left (this loop is what a node does).
        """
        ring, stats = self.ring, self._stats
        assert ring is not None
        head = ring.head
        joined: dict[int, tuple[bytes, int]] = {}
        for viewer in viewers:
            cursor = viewer.cursor
            chunk = joined.get(cursor)
            if chunk is not None and not viewer.paused_at and not viewer.closing:
                viewer.cursor = chunk[1]  # first: see catch_up
                viewer.send(chunk[0])
                stats.writes += 1
                stats.deliveries += chunk[1] - cursor
            if 0 <= viewer.cursor < head:
                self.catch_up(viewer, joined)
        reach(Failpoint.NODE_IN_ROUND)

    def _round_done(self) -> None:
        took_s = self._loop.time() - self._round_began
        limits = self._limits
        self._tick_s = min(max(2 * took_s, limits.tick_min_s), limits.tick_max_s)
        for accepted_at in self._timed:
            self._observe(accepted_at)
        self._walking = False
        if self._again:
            self._again = False
            self._schedule()
