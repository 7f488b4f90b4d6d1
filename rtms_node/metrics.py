"""A node's metrics: its plain counters, read when Prometheus asks."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from rtms_node.hub import Hub
from rtms_node.reader import StoreReader
from rtms_node.stats import Stats
from rtms_node.viewer_counts import ViewerCounts
from service.metrics import LATENCY_BUCKETS, Exports
from service.stages import Stage, note

_COUNTERS = {
    "streams": "Streams opened",
    "deliveries": "Comments written to viewers' connections",
    "writes": "Writes to viewers' connections that carried comments",
    "messages": "Messages with comments, from dispatchers or Redis",
    "received": "Comments in those messages",
    "not_subscribed": "Of those, comments of videos without viewers here",
    "comments": "Comments added to a ring",
    "repeated": "Comments received again and dropped",
    "held_dropped": "Comments dropped: too many waited for an earlier one",
    "foreign_epoch": "Forwards of an epoch that is not the store's",
    "redacted": "Frames replaced: their comment was removed, or restored",
    "repairs": "Range reads for comments that were missing",
    "backfills": "Range reads for viewers behind the ring",
    "failed_reads": "Range reads that no writer answered",
    "gaps": "Gap events",
    "resets": "Reset events",
    "regressions": "Heads in the store below what was delivered (alarm)",
    "contradictions": "Comments received with other content than delivered (alarm)",
    "viewer_events": "Changes of how many watch, told to all viewers of a video",
    "viewer_writes": "Writes to viewers' connections that carried only that",
    "hasty_partings": "Streams closed right after their bye, because many got one at once",
    "trimmed_frames": "Frames dropped to keep the byte budget",
}


def post_to_write(registry: CollectorRegistry) -> Callable[[float], None]:
    """What notes that a comment accepted at a wall clock (seconds) has just been written."""
    observe_s = Exports(registry).histogram(
        "post_to_write_seconds",
        "From accepting a post to the end of its writes (clocks of two hosts)",
        LATENCY_BUCKETS,
    )

    def observe(accepted_at: float) -> None:
        observe_s(max(time.time() - accepted_at, 0.0))
        note(Stage.WRITTEN, accepted_at)

    return observe


def export_node(registry: CollectorRegistry, stats: Stats, hub: Hub, reader: StoreReader) -> None:
    """Show the figures of a node."""
    exports = Exports(registry)
    for name, text in _COUNTERS.items():
        exports.counter(name, text, _reading(stats, name))
    exports.counters("byes", "Streams ended by us", "reason", lambda: stats.byes)
    exports.gauge("viewers", "Open streams", lambda: len(hub.viewers))
    exports.gauge(
        "paused_viewers",
        "Viewers whose connection takes no more bytes now",
        lambda: hub.paused_viewers,
    )
    exports.gauge("videos", "Videos served", lambda: len(hub.rooms))
    exports.gauge("frame_bytes", "Bytes of memory in rings", lambda: hub.frame_bytes)
    exports.gauge(
        "range_reads_at_once",
        "Most concurrent range reads of one video so far",
        lambda: reader.ranges_at_once,
    )
    exports.counter("head_reads", "Batched head reads", lambda: reader.head_reads)
    exports.gauge(
        "store_reachable", "Whether the last read of heads succeeded", lambda: reader.reachable
    )


def export_counts(registry: CollectorRegistry, counts: ViewerCounts) -> None:
    """Show what it costs to tell how many watch."""
    exports = Exports(registry)
    exports.counter(
        "viewer_reports", "Reports of viewers that were answered", lambda: counts.reports
    )
    exports.counter(
        "viewer_reports_alone", "Reports that went without a head read", lambda: counts.alone
    )
    exports.counter(
        "viewer_reports_failed", "Reports that nobody answered", lambda: counts.failures
    )


def _reading(stats: Stats, name: str) -> Callable[[], float]:
    return lambda: float(getattr(stats, name))
