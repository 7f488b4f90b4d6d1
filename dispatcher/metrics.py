"""A dispatcher's metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from service.metrics import LATENCY_BUCKETS


class DispatcherMetrics:
    """Counters that the parts of a dispatcher raise; one object a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        # Each batch ends as one of: routed, no_node (nobody watches), unrouted (the route could not
        # be read), queue_full (too many waited for a route already), too_large.
        self._batches = Counter(
            "livecomments_dispatched_batches",
            "Batches from writers, by outcome",
            ["outcome"],
            registry=registry,
        )
        self.unknown_nodes = Counter(
            "livecomments_route_unknown_nodes",
            "Registrations in routes of nodes that are not members",
            registry=registry,
        )
        self._forwards = self._counter("forwards", "Requests to nodes that succeeded")
        self._forwarded_batches = self._counter("forwarded_batches", "Batches in those requests")
        self._forwarded_comments = self._counter("forwarded_comments", "Comments in those requests")
        self.forwards_failed = self._counter(
            "forwards_failed", "Requests to nodes that were refused, cut off or too late"
        )
        self._dropped = Counter(
            "livecomments_forward_dropped_comments",
            "Comments dropped before a node; its anti-entropy check finds them",
            ["reason"],
            registry=registry,
        )
        self.not_serving = self._counter(
            "not_serving", "Videos that a node does not serve; each route is read again"
        )
        self.forward_seconds = Histogram(
            "livecomments_forward_seconds",
            "Duration of requests to nodes, also of failed ones",
            registry=registry,
            buckets=LATENCY_BUCKETS,
        )

    def batch(self, outcome: str) -> None:
        """Count a batch by what became of it."""
        self._batches.labels(outcome).inc()

    def forwarded(self, batches: int, comments: int) -> None:
        """Count an answered request."""
        self._forwards.inc()
        self._forwarded_batches.inc(batches)
        self._forwarded_comments.inc(comments)

    def dropped(self, reason: str, comments: int) -> None:
        """Count comments that one node does not get. reason: full, late or refused."""
        self._dropped.labels(reason).inc(comments)

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"livecomments_{name}", text, registry=self._registry)
