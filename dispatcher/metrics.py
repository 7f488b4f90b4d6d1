"""A dispatcher's metrics: plain numbers, for each comment raises some."""

from __future__ import annotations

from collections import Counter

from prometheus_client import CollectorRegistry

from service.link.flight import Frame
from service.metrics import Exports


class DispatcherMetrics:
    """Counters that the parts of a dispatcher raise, on the event loop; one object a process.

    batches: from writers, by what became of each: routed, no_node (nobody watches), unrouted (the
    route could not be read), queue_full (too many waited for a route already), too_large. dropped:
    comments that one node does not get, by `service.outbox.Dropped`. forwarded_comments: those that
    nodes have taken.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.batches: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.unknown_nodes = self.not_serving = self.links_failed = 0
        self._frames = self._batches = self.forwarded_comments = 0
        self._export(Exports(registry))

    def forwarded(self, frame: Frame) -> None:
        """Count a frame that a node has taken."""
        self._frames += 1
        self._batches += len(frame.items)
        self.forwarded_comments += sum(item.encoded.comments for item in frame.items)

    def _export(self, exports: Exports) -> None:
        counter = exports.counter
        exports.counters(
            "dispatched_batches",
            "Batches from writers, by outcome",
            "outcome",
            lambda: self.batches,
        )
        exports.counters(
            "forward_dropped_comments",
            "Comments dropped before a node; its anti-entropy check finds them",
            "reason",
            lambda: self.dropped,
        )
        counter(
            "route_unknown_nodes",
            "Registrations in routes of nodes that are not members",
            lambda: self.unknown_nodes,
        )
        counter("forwards", "Frames that nodes have taken", lambda: self._frames)
        counter("forwarded_batches", "Batches in those frames", lambda: self._batches)
        counter("forwarded_comments", "Comments in those frames", lambda: self.forwarded_comments)
        counter(
            "forwards_failed",
            "Links to nodes that broke or were refused",
            lambda: self.links_failed,
        )
        counter(
            "not_serving",
            "Videos that a node does not serve; each route is read again",
            lambda: self.not_serving,
        )
