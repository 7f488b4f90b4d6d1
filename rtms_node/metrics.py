"""A node's metrics: the core's plain counters, read when Prometheus asks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.metrics import LATENCY_BUCKETS

if TYPE_CHECKING:
    from rtms_node.core import NodeCore

_COUNTERS = {
    "streams": "Streams opened",
    "deliveries": "Comments handed to a viewer's connection",
    "writes": "Writes to viewers' connections that carried comments",
    "comments": "Comments taken into a ring",
    "repeated": "Comments that came again and were dropped",
    "held_dropped": "Comments dropped because too many waited for an earlier one",
    "foreign_epoch": "Forwards of an epoch that is not the store's",
    "repairs": "Range reads for comments that were missing",
    "fills": "Range reads for viewers behind the ring",
    "failed_reads": "Range reads that no writer answered",
    "gaps": "Gap events",
    "resets": "Reset events",
    "regressions": "Heads below what was delivered (alarm)",
    "trimmed_frames": "Frames dropped to keep the byte budget",
}


class NodeMetrics(Collector):
    """Registers itself and the post-to-write histogram."""

    def __init__(self, registry: CollectorRegistry, core: NodeCore) -> None:
        self._core = core
        self._post_to_write = Histogram(
            "livecomments_post_to_write_seconds",
            "From the acceptance of a post to the end of its round of writes (clocks of two hosts)",
            registry=registry,
            buckets=LATENCY_BUCKETS,
        )
        registry.register(self)

    def observe_post(self, accepted_at: float) -> None:
        """A comment accepted at this wall clock (seconds) has just been written."""
        self._post_to_write.observe(max(time.time() - accepted_at, 0.0))

    def collect(self) -> Iterator[Metric]:
        """The core's figures of this moment."""
        core = self._core
        for name, text in _COUNTERS.items():
            yield CounterMetricFamily(f"livecomments_{name}", text, value=getattr(core.stats, name))
        byes = CounterMetricFamily("livecomments_byes", "Streams ended by us", labels=["reason"])
        for reason, count in core.stats.byes.items():
            byes.add_metric([reason], count)
        yield byes
        yield _gauge("viewers", "Open streams", len(core.hub.viewers))
        yield _gauge("paused_viewers", "Viewers that take no bytes", core.hub.paused_viewers)
        yield _gauge("videos", "Videos served", len(core.hub.rooms))
        yield _gauge(
            "frame_bytes", "Bytes in rings", sum(r.frame_bytes for r in core.hub.rooms.values())
        )
        yield CounterMetricFamily(
            "livecomments_probes", "Batched head reads", value=core.reader.head_reads
        )
        yield _gauge("store_reachable", "Whether the last read worked", core.reader.reachable)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"livecomments_{name}", text, value=value)
