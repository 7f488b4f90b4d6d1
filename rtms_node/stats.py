"""Plain counters of a node; `metrics.py` exports them when Prometheus asks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stats:
    """Totals since start. Changed on the event loop only."""

    streams: int = 0  # accepted
    deliveries: int = 0  # comments handed to a viewer's transport
    writes: int = 0
    messages: int = 0  # with comments, from dispatchers or Redis
    received: int = 0  # comments in them
    not_subscribed: int = 0  # of those, for videos without a viewer here
    comments: int = 0  # appended to a ring
    repeated: int = 0  # forwarded again
    held_dropped: int = 0
    foreign_epoch: int = 0  # forwards of another epoch than the ring's
    redacted: int = 0  # frames replaced: their comment was removed, or restored
    contradictions: int = 0  # forwards with another content than the ring has: alarm
    repairs: int = 0  # ranges asked for because of a hole or a head ahead of the ring
    backfills: int = 0  # ranges asked for because of viewers behind the ring
    failed_reads: int = 0
    gaps: int = 0
    resets: int = 0
    regressions: int = 0  # heads below what was delivered: alarm
    viewer_events: int = 0  # how many watch: told to all viewers of a room
    viewer_writes: int = 0  # of those, to one viewer and without comments
    trimmed_frames: int = 0  # by the byte budget
    hasty_partings: int = 0  # streams closed soon after their bye: too many were parting
    byes: Counter[str] = field(default_factory=Counter)
