"""Admission: where each viewer's stream starts, and when.

Invariants: a viewer is admitted once: `hello`, then `reset` if its cursor is unusable, then a `gap`
if it asks for more than the replay bound, all in one write, with what is known of the video's state
and viewers; comments follow. Where entries that may have changed the state were not sent (another
epoch, retention), the state is told again. A cursor that this node cannot judge waits for a head
that was read after the join. Until then it gets heartbeats, or a `bye`, after which nothing
follows.
"""

from __future__ import annotations

from collections.abc import Iterable

from rtms_node.context import NodeContext
from rtms_node.fanout import Fanout
from rtms_node.resume import DEFAULT_REPLAY, asked_number, choose_start, needs_fresh_head
from rtms_node.timeline import Timeline
from rtms_node.viewer import Viewer
from rtms_node.viewer_total import ViewerTotal
from wire.ids import EventId
from wire.sse import GapReason, ResetReason, hello_frame, reset_frame


class Admission:
    """Owned by one room; holds the viewers that have no `hello` yet."""

    __slots__ = ("_ctx", "_fanout", "_timeline", "_total", "_untold", "_waiting")

    def __init__(
        self, context: NodeContext, timeline: Timeline, fanout: Fanout, total: ViewerTotal
    ) -> None:
        self._ctx, self._timeline, self._fanout, self._total = context, timeline, fanout, total
        self._waiting: dict[Viewer, int] = {}  # the ticket that answers
        self._untold: dict[Viewer, None] = {}  # whose state may be another one by now

    def add(self, viewer: Viewer) -> None:
        """Admit a viewer now, or else after a head read that this causes: while this node knows
        neither a head nor the rules, or cannot judge the cursor.
        """
        ring, cursor = self._timeline.ring, viewer.asked_cursor
        tells = ring.started and self._timeline.state.known
        if tells and not needs_fresh_head(cursor, ring.epoch, self._timeline.head):
            self._admit(viewer)
        else:
            self._waiting[viewer] = self._timeline.ask_head(asked_number(cursor))
            self._ctx.waits.begin(viewer, self._ctx.loop.time())

    def discard(self, viewer: Viewer) -> None:
        """The viewer has left."""
        self._untold.pop(viewer, None)
        if self._waiting.pop(viewer, None) is not None:
            self._ctx.waits.end(viewer)

    def head_read(self, ticket: int) -> None:
        """All asks up to `ticket` are answered, and the state is known: admit whose they are, and
        tell those who have to be told again.
        """
        if self._untold:
            untold, self._untold = self._untold, {}
            for viewer in untold:
                if not viewer.closing:
                    viewer.say(*self._facts())
        if not self._waiting:
            return
        for viewer in [v for v, own in self._waiting.items() if own <= ticket]:
            self.discard(viewer)
            if not viewer.closing:
                self._admit(viewer)
        if not self._waiting:
            self._waiting.clear()  # else it keeps the memory of those that were in it

    def reset(self, viewers: Iterable[Viewer]) -> None:
        """Another epoch: those already admitted start as if they had come without a cursor, and are
        told the state as soon as it is known.
        """
        ring = self._timeline.ring
        start = max(ring.head - DEFAULT_REPLAY, 0)
        frame = reset_frame(EventId(ring.epoch, start), ResetReason.EPOCH)
        admitted = [v for v in viewers if v.cursor >= 0 and not v.closing]
        self.tell_again(admitted)
        for viewer in admitted:
            self._ctx.stats.resets += 1
            viewer.cursor = start
            viewer.say(frame)
            self._fanout.catch_up(viewer)

    def tell_again(self, viewers: Iterable[Viewer]) -> None:
        """Something may have changed the state that these were not sent: tell them after the next
        read.
        """
        self._untold.update(dict.fromkeys(viewers))

    def _facts(self) -> list[bytes]:
        """What is known beside the entries: state and viewers."""
        frames = self._timeline.state.frame(self._total.shown), self._total.frame()
        return [frame for frame in frames if frame is not None]

    def _admit(self, viewer: Viewer) -> None:
        ring, head = self._timeline.ring, self._timeline.head
        start = choose_start(viewer.asked_cursor, viewer.replay, ring.epoch, head)
        viewer.asked_cursor = None
        viewer.cursor = start.seq
        place = EventId(ring.epoch, start.seq)
        with_id = start.reset is None
        video_id, node_id = self._timeline.video_id, self._ctx.node_id
        out = [hello_frame(video_id, node_id, place, head, with_id=with_id)]
        if start.reset is not None:
            self._ctx.stats.resets += 1
            out.append(reset_frame(place, start.reset))
        out += self._facts()
        oldest_replayed = head - self._ctx.limits.max_replay
        if start.seq < oldest_replayed:
            out.append(self._fanout.skip(viewer, oldest_replayed, GapReason.LIMIT))
        viewer.say(*out)
        self._fanout.catch_up(viewer)
