"""How many watch each video, on all nodes together, as far as one process has been told.

Invariants: a total is the sum of what the nodes last reported, so it is never negative, and a node
counts once: its newer life replaces the older one, and a node that is silent for the lease is
forgotten with all that it said. Each process hears from every node by itself and asks no other; so
it knows nothing while no node reaches it, and for a while after it began or was deaf, and says so
instead of telling a part of the sum. Nodes report also when nobody watches there: so silence never
means that nobody watches. A peak is the highest total while all nodes in it were alive: viewers of
a killed node that have come back to another one are twice in the sum until the lease ends, and not
in a peak. Times are the monotonic clock's, in seconds.

Bounds: nodes, videos, and numbers of all nodes together; what is beyond is not counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import takewhile

from wire.counts import MAX_COUNTS, CountsReply, CountsReport

LEASE_S = 5.0  # of a node that says nothing; it reports every 2 s
# Without a report of any node it is cut off. Sooner than most leases end: what is left is a part.
SILENT_S = 4.0
IDLE_SILENT_S = 10.0  # the same while nobody watches; each node reports every 4 s
SETTLE_S = 4.5  # in which every node has reported, though one report was lost
STALL_S = 3.0  # without a turn of our own: others may have tried in vain to tell something
SKEW_S = 1.0  # a total that falls so soon had somebody in it who was on the way to another node
KEPT_S = 3_600.0  # for which the peak of a video is known that nobody watches
MAX_NODES = 1_000
MAX_VIDEOS = 100_000
MAX_ENTRIES = 400_000


@dataclass(frozen=True, slots=True)
class TotalsLimits:
    """Times in seconds. What is told to a single process needs no lease and no time to settle."""

    lease_s: float = LEASE_S
    settle_s: float = SETTLE_S
    max_nodes: int = MAX_NODES
    max_videos: int = MAX_VIDEOS
    max_entries: int = MAX_ENTRIES


@dataclass(frozen=True, slots=True)
class Total:
    """Viewers of a video now, and the most there were."""

    now: int
    peak: int


@dataclass(slots=True)
class _Video:
    now: int = 0
    peak: int = 0
    hope: int = 0  # a total above the peak, of nodes that may have been dead already
    hoped_at: float = 0.0
    version: int = 0  # of all changes, the one that this total is of


@dataclass(slots=True)
class _Row:
    boot: str
    number: int
    heard_at: float
    counts: dict[str, int] = field(default_factory=dict)


class ViewerTotals:
    """Owned by a process that nodes report to. table: names this life of it."""

    def __init__(self, table: str, limits: TotalsLimits | None = None) -> None:
        self._table, self._limits = table, limits or TotalsLimits()
        self._rows: dict[str, _Row] = {}
        self._videos: dict[str, _Video] = {}  # the last one is the one that changed last
        self._unwatched: dict[str, float] = {}  # since when, oldest first
        self._hopes: dict[str, None] = {}
        self._version = self._entries = 0
        self._settled_at = float("inf")
        self._ticked_at = self._heard_at = 0.0
        self._deaf = bool(self._limits.settle_s)
        self.dropped: Counter[str] = Counter({"nodes": 0, "videos": 0, "entries": 0})
        self.expired = 0

    @property
    def nodes(self) -> int:
        """Nodes with viewers."""
        return len(self._rows)

    @property
    def videos(self) -> int:
        """Videos with viewers, and those that were watched in the last hour."""
        return len(self._videos)

    @property
    def viewers(self) -> int:
        """On all nodes."""
        return sum(video.now for video in self._videos.values())

    def begin(self, now: float) -> None:
        """Nodes may report from now on."""
        self._ticked_at = self._heard_at = now
        self._settled_at = now + self._limits.settle_s

    def settled(self, now: float) -> bool:
        """Whether every node has been heard, and nodes are heard still."""
        self._watch(now)
        return now >= self._settled_at and not self._deaf

    def find(self, video_id: str, now: float) -> Total | None:
        """The total of a video; None while it is not known."""
        if not self.settled(now):
            return None
        video = self._videos.get(video_id)
        return Total(0, 0) if video is None else Total(video.now, max(video.now, video.peak))

    def tick(self, now: float) -> None:
        """Once a second: forget who is silent, and know peaks."""
        self._watch(now)
        self._ticked_at = now
        self._confirm()
        oldest = takewhile(lambda one: one[1] < now - KEPT_S, list(self._unwatched.items()))
        for video_id, _ in oldest:
            self._forget(video_id)

    def take(self, node_id: str, report: CountsReport, now: float) -> CountsReply | None:
        """What a node reports; None if there is no place for it, or a newer life of it has
        reported.
        """
        self._watch(now)
        self._hear(now)
        row = self._rows.get(node_id)
        if row is not None and report.boot < row.boot:
            return None
        known = row is not None and report.boot == row.boot
        if row is not None and known and report.number <= row.number:
            return CountsReply(self._table)  # it came late: nobody waits for the reply
        if report.base and not (row is not None and known and report.base <= row.number):
            return CountsReply(self._table, again=True)
        if row is None or not report.base:
            row = self._new_row(node_id, report.boot, now)
            if row is None:
                return None
        self._update(row, report, now)
        if not row.counts:  # it is silent from now on
            del self._rows[node_id]
        return self._reply(row, report, now)

    def _new_row(self, node_id: str, boot: str, now: float) -> _Row | None:
        if node_id in self._rows:
            self._drop(node_id, now)
        if len(self._rows) >= self._limits.max_nodes:
            self.dropped["nodes"] += 1
            return None
        row = self._rows[node_id] = _Row(boot, 0, now)
        return row

    def _update(self, row: _Row, report: CountsReport, now: float) -> None:
        row.number, row.heard_at = report.number, now
        for video_id, count in report.counts.items():
            self._set(row, video_id, count, now)
        for video_id, peak in report.peaks.items():
            video = self._videos.get(video_id)
            if video is not None:
                video.peak = max(video.peak, peak)

    def _set(self, row: _Row, video_id: str, count: int, now: float) -> None:
        before = row.counts.get(video_id, 0)
        if count == before or (not before and not self._has_room(video_id)):
            return
        if count:
            row.counts[video_id] = count
        else:
            del row.counts[video_id]
        self._entries += bool(count) - bool(before)
        self._add(video_id, count - before, now)

    def _has_room(self, video_id: str) -> bool:
        if self._entries >= self._limits.max_entries:
            self.dropped["entries"] += 1
            return False
        if video_id not in self._videos and len(self._videos) >= self._limits.max_videos:
            if not self._unwatched:
                self.dropped["videos"] += 1
                return False
            self._forget(next(iter(self._unwatched)))
        return True

    def _add(self, video_id: str, change: int, now: float) -> None:
        video = self._changed(video_id)
        video.now += change
        if video.now > max(video.peak, video.hope):
            video.hope, video.hoped_at = video.now, now
            self._hopes[video_id] = None
        elif now - video.hoped_at < SKEW_S:
            video.hope = min(video.hope, video.now)
        if video.now:
            self._unwatched.pop(video_id, None)
        else:
            self._unwatched[video_id] = now

    def _changed(self, video_id: str) -> _Video:
        """It is the one that changed last."""
        video = self._videos.pop(video_id, None) or _Video()
        self._videos[video_id] = video
        self._version += 1
        video.version = self._version
        return video

    def _reply(self, row: _Row, report: CountsReport, now: float) -> CountsReply:
        if now < self._settled_at:
            return CountsReply(self._table)
        seen = report.seen if report.table == self._table else 0
        # From the newest change back to the last one that the node knows.
        changes = takewhile(lambda one: one[1].version > seen, reversed(self._videos.items()))
        found = [one for one in changes if one[0] in row.counts]
        found.reverse()
        more = len(found) > MAX_COUNTS
        found = found[:MAX_COUNTS]
        told = found[-1][1].version if more else self._version
        asked = ((one, self._videos.get(one)) for one in report.counts)
        totals = {name: _pair(video) for name, video in asked if video is not None}
        totals |= {name: _pair(video) for name, video in found}
        return CountsReply(self._table, told, totals, more=more)

    def _watch(self, now: float) -> None:
        """Before anything is told or taken in."""
        if now - self._ticked_at > STALL_S and self._limits.settle_s:
            self._ticked_at = now
            self._settled_at = max(self._settled_at, now + self._limits.settle_s)
        patience_s = SILENT_S if self._rows else IDLE_SILENT_S
        if now - self._heard_at > patience_s and self._limits.settle_s:
            self._deaf = True
        silent_since = now - self._limits.lease_s
        for node_id in [one for one, row in self._rows.items() if row.heard_at < silent_since]:
            self._drop(node_id, now)
            self.expired += 1

    def _hear(self, now: float) -> None:
        """A node has reached this process; after a longer silence others are heard soon, too."""
        if self._deaf and now - self._heard_at > self._limits.lease_s:
            self._settled_at = max(self._settled_at, now + self._limits.settle_s)
        self._deaf, self._heard_at = False, now

    def _drop(self, node_id: str, now: float) -> None:
        """A node's life is over. What its videos seemed to reach since it was last heard may never
        have been.
        """
        row = self._rows.pop(node_id)
        self._entries -= len(row.counts)
        for video_id, count in row.counts.items():
            video = self._videos[video_id]
            if video.hope and video.hoped_at > row.heard_at:
                video.hope = 0
                self._hopes.pop(video_id, None)
            self._add(video_id, -count, now)

    def _confirm(self) -> None:
        """What was reached before every node was heard again has been reached."""
        heard_at = min((row.heard_at for row in self._rows.values()), default=float("inf"))
        for video_id in list(self._hopes):
            video = self._videos[video_id]
            if video.hoped_at <= heard_at:
                if video.hope > video.peak:
                    video.peak = video.hope
                    self._changed(video_id)
                video.hope = 0
                del self._hopes[video_id]

    def _forget(self, video_id: str) -> None:
        del self._unwatched[video_id]
        del self._videos[video_id]
        self._hopes.pop(video_id, None)


def _pair(video: _Video) -> tuple[int, int]:
    return video.now, video.peak
