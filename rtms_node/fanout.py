"""Fan-out of one video: new frames to every viewer that can take bytes, without ever waiting for
one.

Invariants: a round walks over the viewers in slices and yields to other work between them. Each
viewer gets everything after its own cursor, so it does not matter what arrived, or who joined,
between two slices. A comment on an idle video goes out at once; when rounds follow one another
closely, frames wait for the next tick and leave together in one write. The more a round costs, the
longer the tick: under overload a write carries more instead of coming later and later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rtms_node.context import NodeContext
from rtms_node.ring import Ring
from rtms_node.viewer import Viewer
from rtms_node.viewer_total import ViewerTotal
from service.failpoints import Failpoint, reach
from wire.chunks import chunk
from wire.sse import GapReason, gap_frame

_MAX_TIMED = 1_000  # batches whose latency is observed per round

_Payloads = dict[int, tuple[bytes, int]]  # by cursor: see Ring.payload_after


class Fanout:
    """Owned by one room. behind: called with a viewer whose cursor lies before the ring's start.
    sent_at: loop time of the last round or heartbeat.
    """

    __slots__ = (
        "_accepted_at", "_again", "_behind", "_ctx", "_missed", "_news", "_ring", "_round_began",
        "_stats", "_tick_s", "_timed", "_timer", "_total", "_viewers", "_walking", "sent_at",
    )  # fmt: skip

    def __init__(
        self,
        ring: Ring,
        viewers: dict[Viewer, None],
        context: NodeContext,
        behind: Callable[[Viewer], None],
        total: ViewerTotal,
    ) -> None:
        self.sent_at = context.loop.time()
        self._ring, self._viewers, self._behind = ring, viewers, behind
        self._ctx, self._stats = context, context.stats
        self._tick_s = context.limits.tick_min_s
        self._timer: asyncio.TimerHandle | None = None
        self._walking = False
        self._again = False
        self._round_began = 0.0
        self._accepted_at: list[float] = []  # of the next round
        self._timed: list[float] = []  # of this one
        self._total = total
        self._news = b""  # of this round: what goes to all viewers, with what they lack or alone
        self._missed: dict[Viewer, None] = {}  # were not sent it, and take no bytes or wait

    def touch(self, accepted_at: float) -> None:
        """The ring has grown, or there is news for all. accepted_at: wall clock of the post, 0 when
        it is not known.
        """
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

    def catch_up(self, viewer: Viewer, payloads: _Payloads | None = None) -> None:
        """Write everything after the viewer's cursor, or until it takes no more. payloads: made in
        this round; viewers at the same place share one.
        """
        ring, stats = self._ring, self._stats
        payloads = {} if payloads is None else payloads
        while viewer.cursor < ring.head and viewer.writable:
            cursor = viewer.cursor
            payload = payloads.get(cursor) or self._find_payload(cursor, payloads)
            if payload is None:
                self._behind(viewer)
                return
            # The cursor first: `send` may pause the viewer, and that callback must see where it
            # stands.
            viewer.cursor = payload[1]
            viewer.send(payload[0])
            stats.writes += 1
            stats.deliveries += payload[1] - cursor
        if self._missed and viewer in self._missed and viewer.writable:
            self._tell_late(viewer)

    def discard(self, viewer: Viewer) -> None:
        """The viewer has left."""
        self._missed.pop(viewer, None)

    def skip(self, viewer: Viewer, last: int, reason: GapReason) -> bytes:
        """Move the viewer's cursor to `last` without the comments between; returns the `gap` that
        must be said to it before anything else.
        """
        self._stats.gaps += 1
        first, viewer.cursor = viewer.cursor + 1, last
        return gap_frame(self._ring.epoch, first, last, reason)

    def _schedule(self) -> None:
        wait_s = self.sent_at + self._tick_s - self._ctx.loop.time()
        if self._round_began == 0.0 or wait_s <= 0:
            self._round()
        else:
            self._timer = self._ctx.loop.call_later(wait_s, self._round)

    def _round(self) -> None:
        self._timer = None
        self._walking = True
        self._round_began = self.sent_at = self._ctx.loop.time()
        self._timed, self._accepted_at = self._accepted_at, []
        news = self._total.take_news()
        if news is not None:
            self._news = chunk(news)
        if len(self._viewers) < self._ctx.limits.slice_size:
            self._write_slice(list(self._viewers))
            self._round_done()
        else:
            self._ctx.walk(iter(list(self._viewers)), self._write_slice, self._round_done)

    def _write_slice(self, viewers: list[Viewer]) -> None:
        """One payload serves all viewers at the same place: it is made for the first one there, and
        for the others hardly more than the system call is left. A node spends its time here.
        """
        head, find, news = self._ring.head, self._find_payload, self._news
        payloads: _Payloads = {}
        writes = deliveries = 0
        for viewer in viewers:
            cursor = viewer.cursor
            if not 0 <= cursor < head or viewer.paused_at or viewer.closing:
                if news:
                    self._tell_alone(viewer)
                continue
            payload = payloads.get(cursor) or find(cursor, payloads)
            if payload is None:
                self._behind(viewer)
                if news:
                    self._missed[viewer] = None
                continue
            viewer.cursor = payload[1]  # first: see catch_up
            viewer.send(payload[0])
            writes += 1
            deliveries += payload[1] - cursor
            if payload[1] < head:
                self.catch_up(viewer, payloads)
        self._stats.writes += writes
        self._stats.deliveries += deliveries
        reach(Failpoint.NODE_IN_ROUND)

    def _find_payload(self, cursor: int, payloads: _Payloads) -> tuple[bytes, int] | None:
        """What follows the cursor; None if the ring begins later."""
        if not self._ring.holds_after(cursor):
            return None
        payload = self._ring.payload_after(cursor, self._ctx.limits.max_write_bytes)
        if self._news and payload[1] == self._ring.head:
            payload = (payload[0] + self._news, payload[1])
        payloads[cursor] = payload
        return payload

    def _tell_alone(self, viewer: Viewer) -> None:
        """In a round: the news, to a viewer that lacks no comment, or cannot be sent any now."""
        if viewer.closing or viewer.cursor < 0:  # it gets a `hello` with the total
            return
        if viewer.paused_at:
            self._missed[viewer] = None
        else:
            viewer.send(self._news)
            self._stats.viewer_writes += 1

    def _tell_late(self, viewer: Viewer) -> None:
        del self._missed[viewer]
        frame = self._total.frame()
        if frame is not None:
            viewer.say(frame)
            self._stats.viewer_writes += 1

    def _round_done(self) -> None:
        took_s = self._ctx.loop.time() - self._round_began
        limits = self._ctx.limits
        self._tick_s = min(max(2 * took_s, limits.tick_min_s), limits.tick_max_s)
        for accepted_at in self._timed:
            self._ctx.observe(accepted_at)
        self._walking, self._news = False, b""
        if self._again:
            self._again = False
            self._schedule()
