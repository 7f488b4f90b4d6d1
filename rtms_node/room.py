"""A room: the viewers of one video on this node.

Invariants: the ring lives as long as the room, and all parts hold the same one; only the timeline
changes it. A viewer waits in the admission until it has its `hello` and with that a cursor; from
then on the fan-out writes what follows the cursor, except while the viewer waits in the backfill
for what lies before the ring.
"""

from __future__ import annotations

from rtms_node.admission import Admission
from rtms_node.backfill import Backfill
from rtms_node.context import NodeContext
from rtms_node.fanout import Fanout
from rtms_node.ring import Ring
from rtms_node.timeline import Timeline
from rtms_node.viewer import Viewer
from rtms_node.viewer_total import ViewerTotal
from wire.internal import Batch
from wire.sse import GapReason


class Room:
    """Owned by the hub. Methods are called on the event loop only and never block.

    active_at: loop time of the last comment or join. closed: the hub has forgotten it. total: how
    many watch on all nodes.
    """

    __slots__ = (
        "_admission", "_backfill", "_ctx", "_fanout", "_ring", "_timeline", "active_at", "closed",
        "total", "video_id", "viewers",
    )  # fmt: skip

    def __init__(self, video_id: str, context: NodeContext) -> None:
        self._ctx = context
        self.video_id = video_id
        self.viewers: dict[Viewer, None] = {}
        self.active_at = context.loop.time()
        self.closed = False
        self._ring = Ring(context.limits.max_frames, context.memory)
        self._timeline = Timeline(video_id, context, self._ring, self)
        self.total = ViewerTotal(context, self.viewers, lambda: self._fanout.touch(0.0))
        self._fanout = Fanout(self._ring, self.viewers, context, self._fall_behind, self.total)
        self._admission = Admission(context, self._timeline, self._fanout, self.total)
        self._backfill = Backfill(context, self._timeline, self._fanout)

    @property
    def frame_bytes(self) -> int:
        """Bytes of memory that the frames take."""
        return self._ring.size_bytes

    @property
    def sent_at(self) -> float:
        """Loop time of the last round or heartbeat."""
        return self._fanout.sent_at

    @sent_at.setter
    def sent_at(self, now: float) -> None:
        self._fanout.sent_at = now

    def join(self, viewer: Viewer) -> None:
        """Let a viewer in; `hello` follows at once or after a head read."""
        self.viewers[viewer] = None
        self.active_at = self._ctx.loop.time()
        self._admission.add(viewer)

    def leave(self, viewer: Viewer) -> None:
        """Forget a viewer that is gone."""
        self.viewers.pop(viewer, None)
        self._admission.discard(viewer)
        self._backfill.discard(viewer)
        self._fanout.discard(viewer)

    def ingest(self, batch: Batch) -> None:
        """Comments that were forwarded."""
        self._timeline.ingest(batch)

    def check(self) -> None:
        """Compare with the store."""
        self._timeline.ask_head()

    def catch_up(self, viewer: Viewer) -> None:
        """The viewer takes bytes again."""
        if viewer.cursor >= 0 and viewer not in self._backfill:
            self._fanout.catch_up(viewer)

    def drop_frames(self) -> None:
        """Give the memory of all frames back; viewers that still need some cause a backfill."""
        self._timeline.drop_frames()

    def close(self) -> None:
        """The hub forgets this room; late replies are ignored."""
        self.closed = True
        self.total.close()
        self._backfill.close()
        self._fanout.close()
        self._timeline.close()

    # Observer of the timeline

    def grown(self, accepted_at: float) -> None:
        """New frames: send them."""
        self.active_at = self._ctx.loop.time()
        self._fanout.touch(accepted_at)

    def restarted(self) -> None:
        """Another epoch: every cursor is void, every viewer starts as if it had none."""
        self._backfill.clear()
        self._admission.reset(self.viewers)

    def skipped(self) -> None:
        """Retention took comments before this node had them."""
        self._backfill.clear()
        head = self._ring.head
        behind = [v for v in self.viewers if 0 <= v.cursor < head and not v.closing]
        self._admission.tell_again(behind)
        for viewer in behind:
            viewer.say(self._fanout.skip(viewer, head, GapReason.RETENTION))

    def head_read(self, ticket: int) -> None:
        """The head was read: admit whoever waited for this read."""
        self._admission.head_read(ticket)

    def _fall_behind(self, viewer: Viewer) -> None:
        self._backfill.add(viewer)
