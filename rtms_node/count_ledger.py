"""What one writer has been told of the viewers here, and what it still has to be told.

Invariants: one report is under way at a time. A report tells all that changed since the last one
that the writer is known to have, so one that was lost, or came late, does no harm. A writer that
has not answered for a while has forgotten this node, and is told everything again; so what waits
is never more than what changed in that while.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Protocol

from wire.counts import MAX_COUNTS, CountsReply, CountsReport

EVERY_S = 1.25  # changes are told
ALIVE_S = 2.0  # so often each writer hears, and tells; a silent node is forgotten after 5 s
IDLE_S = 4.0  # the same while nobody watches: else that would look like a node that is cut off
RETRY_S = 0.5  # after a report that nobody answered
FORGOTTEN_S = 5.0  # without an answer the writer is told everything again
MUTE_S = 30.0  # a writer that does not count is asked again
SHARE_S = 1.0  # how soon after a report the next one may go with a head read


class Here(Protocol):
    """The viewers of this node."""

    def watched(self) -> Iterable[str]:
        """All videos that have viewers."""

    def is_empty(self) -> bool:
        """Whether there are none."""

    def count(self, video_id: str) -> int:
        """How many of one video."""

    def peak(self, video_id: str) -> int:
        """The highest total of all nodes that this node was told, 0 if it was told none."""


class Ledger:
    """Owned by the node's `ViewerCounts`. Times are the event loop's, in seconds. numbers: of the
    reports, rising through the node's life: a writer that was lost from sight for a moment still
    has those of the ledger before. urgent: the next report need not wait.
    """

    __slots__ = (
        "_base", "_boot", "_due", "_everything", "_heard_at", "_numbers", "_peaks", "_pending",
        "_seen", "_sent_at", "_table", "_under_way", "urgent",
    )  # fmt: skip

    def __init__(self, boot: str, numbers: Iterator[int], now: float) -> None:
        self._boot, self._numbers, self._heard_at = boot, numbers, now
        self._base = self._seen = 0
        self._table = ""
        self._pending: dict[str, None] = {}
        self._under_way: CountsReport | None = None
        self._everything, self._peaks, self.urgent = True, False, False
        self._sent_at = self._due = float("-inf")

    @property
    def open(self) -> bool:
        """Whether there is something to tell, whoever watches."""
        return bool(self._pending) or self._under_way is not None

    def changed(self, videos: Iterable[str]) -> None:
        """These have other counts now."""
        if not self._everything:
            self._pending.update(dict.fromkeys(videos))

    def is_due(self, now: float, *, watched: bool, every_s: float = EVERY_S) -> bool:
        """Whether a report has to go now, even if alone. watched: there are viewers here; every_s:
        how soon changes are told.
        """
        if self._under_way is not None or now < self._due:
            return False
        if not (watched or self._pending):
            return now - self._sent_at >= IDLE_S
        waits = self._pending or self._everything
        return self.urgent or now - self._sent_at >= (every_s if waits else ALIVE_S)

    def next_look(self, every_s: float) -> float:
        """When a report may be due; changes until then make no difference."""
        return max(self._sent_at + every_s, self._due)

    def may_share(self, now: float) -> bool:
        """Whether a report may go with a head read."""
        if self._under_way is not None or now < self._due:
            return False
        waits = self._everything or self._pending
        return bool(waits) or now - self._sent_at >= SHARE_S

    def take(self, now: float, here: Here) -> CountsReport:
        """The next report; `answered` or `failed` follows."""
        nothing = not self._pending and here.is_empty()  # whoever hears that keeps nothing of us
        if now - self._heard_at >= FORGOTTEN_S or nothing:
            self._everything = True
        base = self._base
        if self._everything:
            self._pending, base = dict.fromkeys(here.watched()), 0
        part = list(islice(self._pending, MAX_COUNTS))
        for video_id in part:
            del self._pending[video_id]
        counts = {one: here.count(one) for one in part}
        with_peaks = self._peaks or not base
        self._peaks = with_peaks and bool(self._pending)  # the rest of everything follows
        peaks = {one: peak for one in part if (peak := here.peak(one))} if with_peaks else {}
        self._sent_at, self._everything, self.urgent = now, not (part or base), False
        self._under_way = report = CountsReport(
            self._boot, next(self._numbers), base, counts, peaks, self._table, self._seen
        )
        return report

    def answered(self, report: CountsReport, reply: CountsReply | None, now: float) -> None:
        """The writer's answer to that report; None: it does not count, or not this node."""
        if report is not self._under_way:  # of the ledger that this writer had before
            return
        self._under_way = None
        self._heard_at, self._due = now, float("-inf")
        if reply is None or reply.again:
            self._everything, self._pending = True, {}
            self.urgent = reply is not None
            self._due = now if self.urgent else now + MUTE_S
            return
        self._base = report.number
        self._table, self._seen = reply.table, reply.seen
        self.urgent = reply.more or len(self._pending) >= MAX_COUNTS

    def failed(self, report: CountsReport, now: float) -> None:
        """Nobody knows whether that report has come."""
        if report is not self._under_way:
            return
        self._under_way = None
        self._due = now + RETRY_S
        if report.base:
            self._pending = dict.fromkeys(report.counts) | self._pending
        else:
            self._everything, self._pending = True, {}
