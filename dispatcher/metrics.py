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
            "Batches taken from writers, by what became of them",
            ["outcome"],
            registry=registry,
        )
        self.unknown_nodes = Counter(
            "livecomments_route_unknown_nodes",
            "Registrations met in a route whose node is no member",
            registry=registry,
        )
        self._forwards = self._counter("forwards", "Requests to nodes that were answered")
        self._forwarded_batches = self._counter("forwarded_batches", "Batches in those requests")
        self._forwarded_comments = self._counter("forwarded_comments", "Comments in those requests")
        self.forwards_failed = self._counter(
            "forwards_failed", "Requests to nodes that were refused, broke off or came late"
        )
        self._dropped = Counter(
            "livecomments_forward_dropped_comments",
            "Comments not forwarded to a node, which heals by its anti-entropy check",
            ["reason"],
            registry=registry,
        )
        self.not_serving = self._counter(
            "not_serving", "Videos that a node said it does not serve; each route is re-read"
        )
        self.forward_seconds = Histogram(
            "livecomments_forward_seconds",
            "Duration of a request to a node, failed ones too",
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
