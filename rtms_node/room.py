"""A room: the viewers of one video on this node.

Invariants: a viewer is admitted once: `hello` (with `reset` if its cursor is unusable), then
comments after its cursor. Whatever it cannot get is named by a `gap` first. A cursor that this node
cannot judge waits for a head that was read after the join. A viewer whose cursor lies before the
ring's start waits for a backfill: one range read at a time, shared by all who wait, never for more
than the replay bound, and after one that was of no use not before a pause, whoever falls behind
meanwhile.
"""

from __future__ import annotations

import asyncio

from rtms_node.context import NodeContext
from rtms_node.fanout import Fanout
from rtms_node.resume import DEFAULT_REPLAY, asked_number, choose_start, needs_fresh_head
from rtms_node.ring import encode_frame
from rtms_node.timeline import Timeline
from rtms_node.viewer import Viewer
from wire.ids import EventId
from wire.internal import Batch, RangeReply
from wire.sse import (
    ByeReason,
    GapReason,
    ResetReason,
    gap_frame,
    hello_frame,
    reset_frame,
)


class Room:
    """Owned by the hub. Methods are called on the event loop only and never block.

    active_at: loop time of the last comment or join.
    """

    __slots__ = (
        "_backfill_asked",
        "_backfill_pause",
        "_behind",
        "_closed",
        "_ctx",
        "_fanout",
        "_timeline",
        "_waiting",
        "active_at",
        "video_id",
        "viewers",
    )  # fmt: skip

    def __init__(self, video_id: str, context: NodeContext) -> None:
        self._ctx = x = context
        self.video_id = video_id
        self.viewers: dict[Viewer, None] = {}
        self.active_at = x.loop.time()
        # No hello yet -> the ticket that answers, and since when; oldest first.
        self._waiting: dict[Viewer, tuple[int, float]] = {}
        self._behind: dict[Viewer, float] = {}  # waits for a backfill -> since when; oldest first
        self._backfill_asked = self._closed = False
        self._backfill_pause: asyncio.TimerHandle | None = (
            None  # until a backfill may be asked for again
        )
        self._timeline = Timeline(video_id, x, self)
        self._fanout = Fanout(self.viewers, x.loop, x.limits, x.stats, self._fall_behind, x.observe)

    @property
    def frame_bytes(self) -> int:
        """Bytes of frames held."""
        ring = self._timeline.ring
        return 0 if ring is None else ring.size_bytes

    @property
    def sent_at(self) -> float:
        """Loop time of the last round or heartbeat."""
        return self._fanout.sent_at

    @sent_at.setter
    def sent_at(self, now: float) -> None:
        self._fanout.sent_at = now

    def join(self, viewer: Viewer) -> None:
        """Take a viewer in; `hello` follows at once or after a head read."""
        self.viewers[viewer] = None
        self.active_at = self._ctx.loop.time()
        ring, head = self._timeline.ring, self._timeline.head
        if ring is None or needs_fresh_head(viewer.asked_cursor, ring.epoch, head):
            ticket = self._ask_head(asked_number(viewer.asked_cursor))
            self._waiting[viewer] = (ticket, self.active_at)
        else:
            self._admit(viewer)

    def leave(self, viewer: Viewer) -> None:
        """Forget a viewer that is gone."""
        self.viewers.pop(viewer, None)
        self._waiting.pop(viewer, None)
        self._behind.pop(viewer, None)

    def ingest(self, batch: Batch) -> None:
        """Comments that were forwarded."""
        self._timeline.ingest(batch)

    def ask_head(self) -> int:
        """Compare with the store; returns the read's ticket."""
        return self._ask_head(0)

    def catch_up(self, viewer: Viewer) -> None:
        """The viewer takes bytes again."""
        if viewer.cursor >= 0 and viewer not in self._behind:
            self._fanout.catch_up(viewer)

    def expire(self, now: float) -> None:
        """Send away viewers that have waited too long for a hello or a backfill."""
        limit_s = self._ctx.limits.hello_wait_s
        late = [v for v, (_, since) in self._waiting.items() if now - since >= limit_s]
        late += [v for v, since in self._behind.items() if now - since >= limit_s]
        for viewer in [viewer for viewer in late if not viewer.closing]:
            self._ctx.stats.byes[ByeReason.UNAVAILABLE] += 1
            viewer.bye(ByeReason.UNAVAILABLE)

    def drop_frames(self) -> None:
        """Give the memory of all frames back; viewers that still need some cause a backfill."""
        ring = self._timeline.ring
        if ring is not None:
            self._ctx.stats.trimmed_frames += len(ring)
            ring.trim(len(ring))

    def close(self) -> None:
        """The hub forgets this room; late replies are ignored."""
        self._closed = True
        if self._backfill_pause is not None:
            self._backfill_pause.cancel()
        self._fanout.close()
        self._timeline.close()

    # Audience of the timeline

    def grown(self, accepted_at: float) -> None:
        """New frames: send them."""
        self.active_at = self._ctx.loop.time()
        self._fanout.ring = self._timeline.ring
        self._fanout.touch(accepted_at)

    def restarted(self) -> None:
        """Another epoch: every cursor is void, every viewer starts as if it had none."""
        ring = self._fanout.ring = self._timeline.ring
        assert ring is not None
        start = max(ring.head - DEFAULT_REPLAY, 0)
        frame = reset_frame(EventId(ring.epoch, start), ResetReason.EPOCH)
        self._behind.clear()
        for viewer in [v for v in self.viewers if v.cursor >= 0 and not v.closing]:
            self._ctx.stats.resets += 1
            viewer.cursor = start
            viewer.say(frame)
            self._fanout.catch_up(viewer)

    def skipped(self) -> None:
        """Retention took comments before this node had them."""
        ring = self._fanout.ring = self._timeline.ring
        assert ring is not None
        self._behind.clear()
        for viewer in [v for v in self.viewers if 0 <= v.cursor < ring.head and not v.closing]:
            viewer.say(self._gap(viewer, ring.head, GapReason.RETENTION))

    # Admission

    def _ask_head(self, seen: int) -> int:
        """`seen`: what a viewer claims. Neither it nor what is known here may be denied lightly."""
        seen = max(seen, self._timeline.head)
        return self._ctx.reads.want_head(self.video_id, self._on_head, seen)

    def _on_head(self, epoch: str, head: int, ticket: int) -> None:
        if self._closed:
            return
        self._timeline.on_head(epoch, head, ticket)
        self._fanout.ring = self._timeline.ring
        for viewer in [v for v, (own, _) in self._waiting.items() if own <= ticket]:
            del self._waiting[viewer]
            if not viewer.closing:  # nothing follows a bye
                self._admit(viewer)

    def _admit(self, viewer: Viewer) -> None:
        ring, head = self._timeline.ring, self._timeline.head
        assert ring is not None
        start = choose_start(viewer.asked_cursor, viewer.replay, ring.epoch, head)
        viewer.asked_cursor = None
        viewer.cursor = start.seq
        place = EventId(ring.epoch, start.seq)
        with_id = start.reset is None
        out = [hello_frame(self.video_id, self._ctx.node_id, place, head, with_id=with_id)]
        if start.reset is not None:
            self._ctx.stats.resets += 1
            out.append(reset_frame(place, start.reset))
        if start.seq < head - self._ctx.limits.max_replay:
            out.append(self._gap(viewer, head - self._ctx.limits.max_replay, GapReason.LIMIT))
        viewer.say(*out)
        self._fanout.catch_up(viewer)

    def _gap(self, viewer: Viewer, last: int, reason: GapReason) -> bytes:
        ring = self._timeline.ring
        assert ring is not None
        self._ctx.stats.gaps += 1
        first, viewer.cursor = viewer.cursor + 1, last
        return gap_frame(ring.epoch, first, last, reason)

    # Fill: what viewers need from before the ring's start

    def _fall_behind(self, viewer: Viewer) -> None:
        self._behind.setdefault(viewer, self._ctx.loop.time())
        self._ask_backfill()

    def _ask_backfill(self) -> None:
        ring = self._timeline.ring
        if ring is None or not self._behind or self._backfill_asked or self._closed:
            return
        lowest = min(viewer.cursor for viewer in self._behind)
        after = max(lowest, ring.head - self._ctx.limits.max_replay)
        if ring.holds_after(after):
            self._settle(oldest=0)
            return
        if self._backfill_pause is not None:
            return
        self._backfill_asked = True
        self._ctx.stats.backfills += 1
        self._ctx.reads.want_range(self.video_id, after, ring.first - 1, self._on_backfill)

    def _on_backfill(self, reply: RangeReply | None) -> None:
        self._backfill_asked = False
        if self._closed:
            return
        if reply is None:
            self._ctx.stats.failed_reads += 1
            self._backfill_later()
        elif self._timeline.accept(reply):
            self._backfill_from(reply)

    def _backfill_from(self, reply: RangeReply) -> None:
        ring = self._timeline.ring
        assert ring is not None
        raws = reply.comments[: max(ring.first - reply.first_seq, 0)]
        if raws and reply.first_seq + len(raws) == ring.first:
            numbered = enumerate(raws, reply.first_seq)
            ring.prepend([encode_frame(ring.epoch, seq, bytes(raw)) for seq, raw in numbered])
        elif reply.oldest < ring.first:
            self._backfill_later()  # the ring was trimmed meanwhile: what came does not touch it
            return
        self._settle(reply.oldest)

    def _backfill_later(self) -> None:
        self._backfill_pause = self._ctx.loop.call_later(
            self._ctx.limits.retry_read_s, self._pause_over
        )

    def _pause_over(self) -> None:
        self._backfill_pause = None
        self._ask_backfill()

    def _settle(self, oldest: int) -> None:
        """Let go everybody who can be helped no further; `oldest` is what the store still has.
        Who joined during the backfill with an older cursor waits for the next one.
        """
        ring = self._timeline.ring
        assert ring is not None
        oldest_replayed = ring.head - self._ctx.limits.max_replay
        waiting, self._behind = self._behind, {}
        for viewer, since in waiting.items():
            if viewer.closing:
                continue
            if not ring.holds_after(viewer.cursor):
                if oldest >= ring.first:
                    reason = GapReason.RETENTION
                elif ring.holds_after(max(viewer.cursor, oldest_replayed)):
                    reason = GapReason.MEMORY
                else:
                    self._behind[viewer] = since
                    continue
                viewer.say(self._gap(viewer, ring.first - 1, reason))
            self._fanout.catch_up(viewer)
        self._ask_backfill()
