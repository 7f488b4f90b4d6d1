"""A dispatcher's metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.metrics import LATENCY_BUCKETS


class DispatcherMetrics:
    """Counters that the parts of a dispatcher raise; one object a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        # Each batch ends as one of: routed, no_node (nobody watches), unrouted (the route could not
        # be read), crowded (too many waited for a route already), too_large.
        self._batches = Counter(
            "livecomments_dispatched_batches",
            "Batches taken from writers, by what became of them",
            ["outcome"],
            registry=registry,
        )
        self.strangers = Counter(
            "livecomments_route_strangers",
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
            "Comments not forwarded to a node, which heals by its probe",
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

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Export a figure that is read when Prometheus asks."""
        self._registry.register(
            _Read(lambda: GaugeMetricFamily(f"livecomments_{name}", text, value=read()))
        )

    def counter_of(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Export somebody else's counter."""
        self._registry.register(
            _Read(lambda: CounterMetricFamily(f"livecomments_{name}", text, value=read()))
        )

    def depths_of(self, read: Callable[[], Mapping[str, int]]) -> None:
        """Export the depth of each node's queue; nodes come and go."""

        def collect() -> Metric:
            family = GaugeMetricFamily(
                "livecomments_queued_batches", "Batches queued or in flight", labels=["node"]
            )
            for node_id, depth in read().items():
                family.add_metric([node_id], depth)
            return family

        self._registry.register(_Read(collect))

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"livecomments_{name}", text, registry=self._registry)


class _Read(Collector):
    """One metric, made when Prometheus asks."""

    def __init__(self, read: Callable[[], Metric]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        yield self._read()
