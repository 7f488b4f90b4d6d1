"""The timeline: what this node knows of one video's comments, whoever watches.

Invariants:
- Only the timeline changes the room's ring.
- Order and content come from the store's numbers. The ring grows only by its head + 1; a repeated
  comment is dropped, a later one is held, and what stays missing is read from the store, one read
  at a time.
- The epoch, and a head that went back, are believed only from a head or range reply, never from a
  forward.
- After a read that failed or brought nothing the next one waits for a pause; and forwards of
  another epoch have the head read at most once in that time.
- A number has one content, or a tombstone in its place. If a forward has another content, the store
  is asked which is right.
- What was held before the store went back, or before a read that does not find it, is forgotten.
- The room hears of every change: `grown`, `restarted`, `skipped`, and of every head reply.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from rtms_node.context import NodeContext
from rtms_node.inbox import Inbox
from rtms_node.redactions import Redactions
from rtms_node.ring import Ring, encode_frame
from rtms_node.video_state import VideoState
from service.logs import bind_request, clean_request_id
from wire.entry import is_comment
from wire.internal import Batch, RangeReply

log = structlog.get_logger()

_REGRESSIONS_BELIEVED = 2


class Observer(Protocol):
    """Who hears of changes: the room."""

    def grown(self, accepted_at: float) -> None:
        """The ring has new frames; accepted_at is the post's wall clock, 0 if not known."""

    def restarted(self) -> None:
        """Another epoch, or a store that went back: every cursor is void."""

    def skipped(self) -> None:
        """The ring is empty and begins further on: the store no longer has what lay between."""

    def head_read(self, ticket: int) -> None:
        """A head reply was taken in: all asks up to `ticket` are answered."""


class Timeline:
    """Owned by one room."""

    __slots__ = (
        "_appended_ticket", "_closed", "_comparing", "_ctx", "_doubted_at", "_inbox", "_last_held",
        "_observer", "_redactions", "_regressions", "_repair_asked", "_repair_timer",
        "_store_head", "ring", "state", "video_id",
    )  # fmt: skip

    def __init__(self, video_id: str, context: NodeContext, ring: Ring, observer: Observer) -> None:
        self.video_id = video_id
        self.ring = ring
        self._ctx = context
        self._observer = observer
        self._inbox = Inbox(context.limits.max_held)
        self._redactions = Redactions(ring, context.stats)
        self.state = VideoState()
        self._store_head = 0
        self._appended_ticket = 0  # reads with a higher ticket were sent after the last append
        self._regressions = 0
        self._doubted_at = float("-inf")  # when another epoch last had the head read
        self._comparing = self._repair_asked = self._closed = False
        self._last_held = 0  # the highest number held when the repair was asked for
        self._repair_timer: asyncio.TimerHandle | None = None

    @property
    def head(self) -> int:
        """The newest number known: of the ring or of the store; 0 while neither is known."""
        ring_head, store_head = self.ring.head, self._store_head
        return ring_head if ring_head >= store_head else store_head

    def ask_head(self, claimed: int = 0) -> int:
        """Have the store's head read; returns the ticket of the ask. claimed: the number in a
        viewer's cursor. No writer may answer from memory with less than that, or than what is known
        here.
        """
        seen = max(claimed, self.head)
        on_state = None if self.state.known else self.state.learn
        return self._ctx.reads.want_head(self.video_id, self.on_head, seen, on_state)

    def ingest(self, batch: Batch) -> None:
        """Comments that were forwarded: maybe again, maybe out of order, maybe of another epoch."""
        ring = self.ring
        if batch.first_seq == ring.head + 1 and batch.epoch == ring.epoch and ring.started:
            self._append(batch.first_seq, batch.comments, batch.accepted_at)
        else:
            with bind_request(clean_request_id(batch.request_id)):
                self._ingest_out_of_order(batch)

    def _ingest_out_of_order(self, batch: Batch) -> None:
        ring = self.ring
        if not ring.started:
            self._hold(batch)
        elif batch.epoch != ring.epoch:
            self._ctx.stats.foreign_epoch += 1
            self._doubt_epoch()
        elif batch.last_seq <= ring.head:
            self._ctx.stats.repeated += len(batch.comments)
            self._compare(batch)
        elif batch.first_seq > ring.head + 1:
            self._hold(batch)
            self._repair_soon()
        else:
            self._compare(batch)
            self._append(batch.first_seq, batch.comments, batch.accepted_at)

    def on_head(self, epoch: str, head: int, ticket: int) -> None:
        """The store's head, as of a read that answers all asks up to `ticket`."""
        if self._closed:
            return
        ring = self.ring
        if not ring.started:
            self._restart(epoch, head)
            self._repair_soon()
        elif epoch != ring.epoch:
            self._start_over(epoch, head)
        elif head < ring.head and ticket > self._appended_ticket:
            self._on_regression(epoch, head)
        else:
            self._regressions = 0
            if head > self._store_head:
                self._store_head = head
            if self._lacks_comments():
                self._repair_soon()
        if self.state.known:
            self._observer.head_read(ticket)
        else:  # the reply was of before an entry that has passed since, or of before it was asked
            self.ask_head()

    def accept(self, reply: RangeReply) -> bool:
        """Whether a range reply belongs to this ring's epoch; if not, everything starts over."""
        if reply.epoch != self.ring.epoch:
            self._start_over(reply.epoch, reply.head)
            return False
        self._store_head = max(self._store_head, reply.head)
        return True

    def prepend(self, reply: RangeReply) -> bool:
        """Put a reply's comments before the ring's start; False if they do not reach up to it, or
        may show what has been removed since.
        """
        ring = self.ring
        if self._redactions.is_stale(reply):
            return False
        raws = [bytes(raw) for raw in reply.comments[: max(ring.first - reply.first_seq, 0)]]
        if not raws or reply.first_seq + len(raws) != ring.first:
            return False
        numbered = enumerate(raws, reply.first_seq)
        ring.prepend([encode_frame(ring.epoch, seq, raw) for seq, raw in numbered])
        self._redactions.prepended(reply.first_seq, raws)
        return True

    def drop_frames(self) -> None:
        """Give the memory of all frames back."""
        self._ctx.stats.trimmed_frames += len(self.ring)
        self.ring.trim(len(self.ring))

    def close(self) -> None:
        """Late replies and timers do nothing from now on."""
        self._closed = True
        self.ring.trim(len(self.ring))
        if self._repair_timer is not None:
            self._repair_timer.cancel()

    def _start_over(self, epoch: str, head: int) -> None:
        """Drop the frames: they are not the store's history any more."""
        log.warning("epoch_changed", video_id=self.video_id, epoch=epoch, head=head)
        self._forget_held(1, self._inbox.last_held())
        self.state.forget()
        self._restart(epoch, head)
        self._observer.restarted()
        self.ask_head()

    def _restart(self, epoch: str, head: int) -> None:
        self.ring.restart(epoch, head)
        self._redactions.restarted()
        self._store_head = head
        self._regressions = 0
        self._append_held()

    def _append(self, first_seq: int, comments: Sequence[bytes], accepted_at: float) -> None:
        ring, stats = self.ring, self._ctx.stats
        known = ring.head + 1 - first_seq
        new = comments[known:] if known >= 0 else ()
        for raw in new:
            self._append_one(bytes(raw))
        stats.comments += len(new)
        stats.repeated += len(comments) - len(new)
        if new:
            self._append_held()
            self._observer.grown(accepted_at)
        if self._lacks_comments():
            self._repair_soon()

    def _append_one(self, raw: bytes) -> None:
        ring = self.ring
        ring.append(encode_frame(ring.epoch, ring.head + 1, raw))
        if not is_comment(raw):  # hardly ever
            self._redactions.appended(raw)
            knew = self.state.known
            self.state.appended(ring.head, raw)
            if knew and not self.state.known:
                self.ask_head()

    def _append_held(self) -> None:
        ring = self.ring
        self._appended_ticket = self._ctx.reads.last_ticket
        if self._inbox.held:
            before = ring.head
            for raw in self._inbox.take_from(ring.epoch, ring.head + 1):
                self._append_one(raw)
            self._ctx.stats.comments += ring.head - before

    def _hold(self, batch: Batch) -> None:
        dropped = self._inbox.dropped
        for seq, raw in enumerate(batch.comments, batch.first_seq):
            self._inbox.hold(batch.epoch, seq, bytes(raw))
        self._ctx.stats.held_dropped += self._inbox.dropped - dropped

    def _forget_held(self, first: int, last: int) -> None:
        dropped = self._inbox.dropped
        self._inbox.forget(first, last)
        self._ctx.stats.held_dropped += self._inbox.dropped - dropped

    # Forwards and heads that contradict the ring

    def _doubt_epoch(self) -> None:
        # A writer that is still on another store would have the head read for each of its comments.
        now = self._ctx.loop.time()
        if now - self._doubted_at >= self._ctx.limits.retry_read_s:
            self._doubted_at = now
            self.ask_head()

    def _compare(self, batch: Batch) -> None:
        seq = self._find_difference(batch.first_seq, batch.comments)
        if seq is None:
            return
        self._ctx.stats.contradictions += 1
        if not self._comparing:  # one at a time: whoever forges may forge many
            self._comparing = True
            log.error("comment_contradicted", video_id=self.video_id, seq=seq)
            self._ctx.reads.want_range(self.video_id, seq - 1, seq, self._on_compared)

    def _find_difference(self, first_seq: int, comments: Sequence[bytes]) -> int | None:
        ring = self.ring
        for seq, raw in enumerate(comments[: max(ring.head + 1 - first_seq, 0)], first_seq):
            if self._redactions.contradicts(seq, bytes(raw)):
                return seq
        return None

    def _on_compared(self, reply: RangeReply | None) -> None:
        self._comparing = False
        if self._closed or reply is None or not self.accept(reply):
            return
        if self._find_difference(reply.first_seq, reply.comments) is not None:
            self._start_over(reply.epoch, reply.head)

    def _on_regression(self, epoch: str, head: int) -> None:
        # One such reply may come from a replica that lags; two in a row are a store that went back.
        self._regressions += 1
        self._ctx.stats.regressions += 1
        log.error("head_went_back", video_id=self.video_id, head=head, delivered=self.head)
        if self._regressions >= _REGRESSIONS_BELIEVED:
            self._start_over(epoch, head)
        else:
            self.ask_head()

    # Repair: reading what is missing after the ring's head

    def _lacks_comments(self) -> bool:
        return self.ring.head < self._store_head or bool(self._inbox.held)

    def _repair_soon(self) -> None:
        # Not at once: most holes are only a forward that is still on its way.
        if self._repair_timer is None and self._lacks_comments():
            self._repair_in(self._ctx.limits.repair_after_s)

    def _repair_in(self, delay_s: float) -> None:
        if self._repair_timer is None and not self._closed:
            self._repair_timer = self._ctx.loop.call_later(delay_s, self._repair_now)

    def _repair_now(self) -> None:
        self._repair_timer = None
        if self._lacks_comments() and not self._repair_asked and not self._closed:
            self._repair_asked = True
            self._ctx.stats.repairs += 1
            self._last_held = self._inbox.last_held()
            after, count = self.ring.head, self._ctx.limits.max_replay
            self._ctx.reads.want_range(self.video_id, after, after + count, self._on_repair)

    def _on_repair(self, reply: RangeReply | None) -> None:
        self._repair_asked = False
        if self._closed:
            return
        if reply is None:
            self._ctx.stats.failed_reads += 1
            self._repair_in(self._ctx.limits.retry_read_s)
        elif self.accept(reply):
            self._forget_held(reply.head + 1, self._last_held)
            if reply.oldest > self.ring.head + 1:
                self.ring.restart(reply.epoch, reply.oldest - 1)
                self.state.forget(self.ring.head)  # it may have changed in what was skipped
                self._observer.skipped()
                self.ask_head()
            if not reply.comments:  # this writer lacks what another one has told of
                self._repair_in(self._ctx.limits.retry_read_s)
            self._append(reply.first_seq, reply.comments, 0.0)
