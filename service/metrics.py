"""Prometheus metrics: one registry a process, so that tests can run many services side by side."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)  # fmt: skip
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Seconds. Post-to-write latencies live between half a millisecond and an anti-entropy check's few
# seconds.
LATENCY_BUCKETS = (
    0.0005,
    0.001,
    0.002,
    0.004,
    0.008,
    0.016,
    0.032,
    0.064,
    0.128,
    0.256,
    0.512,
    1,
    2,
    4,
    8,
    16,
)


def new_registry() -> CollectorRegistry:
    """A registry with the process's own figures (memory, CPU, descriptors) in it."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def render(registry: CollectorRegistry) -> bytes:
    """The registry in Prometheus text format."""
    return generate_latest(registry)


class SessionCounts(Protocol):
    """Totals of a ZooKeeper session."""

    sessions: int
    suspensions: int
    drops: int


class SessionFigures(Protocol):
    """What is told of a ZooKeeper session."""

    @property
    def state(self) -> str:
        """Either "connected" or "away"."""

    @property
    def stats(self) -> SessionCounts:
        """Since the start."""


class Exports:
    """Figures that live elsewhere as plain numbers; they are read when Prometheus asks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """A figure that goes up and down."""
        self._add(lambda: GaugeMetricFamily(f"livecomments_{name}", text, value=read()))

    def counter(self, name: str, text: str, read: Callable[[], float]) -> None:
        """A total since the start."""
        self._add(lambda: CounterMetricFamily(f"livecomments_{name}", text, value=read()))

    def gauges(
        self, name: str, text: str, label: str, read: Callable[[], Mapping[str, float]]
    ) -> None:
        """One figure for each value of a label, which may come and go."""
        self._add(lambda: _labelled(GaugeMetricFamily, name, text, label, read()))

    def counters(
        self, name: str, text: str, label: str, read: Callable[[], Mapping[str, float]]
    ) -> None:
        """One total for each value of a label."""
        self._add(lambda: _labelled(CounterMetricFamily, name, text, label, read()))

    def histogram(self, name: str, text: str, bounds: Sequence[float]) -> Callable[[float], None]:
        """A distribution; returns what notes one value. One thread only: it takes no lock, and so
        costs a tenth of the library's own, which counts on the path of every comment.
        """
        counts, total = [0] * (len(bounds) + 1), 0.0

        def observe(value: float) -> None:
            nonlocal total
            counts[bisect_left(bounds, value)] += 1
            total += value

        self._add(lambda: _distribution(name, text, bounds, counts, total))
        return observe

    def session(self, session: SessionFigures) -> None:
        """How the process stands with ZooKeeper."""
        self.gauge("zookeeper_connected", "1 while connected", lambda: session.state == "connected")
        self.counter(
            "zookeeper_sessions", "ZooKeeper sessions so far", lambda: session.stats.sessions
        )
        self.counter(
            "zookeeper_suspensions",
            "Connections to ZooKeeper lost",
            lambda: session.stats.suspensions,
        )
        self.counter(
            "zookeeper_cuts",
            "Connections to ZooKeeper cut because nothing was answered",
            lambda: session.stats.drops,
        )

    def _add(self, read: Callable[[], Metric]) -> None:
        self._registry.register(_Read(read))


def _labelled(
    kind: type[GaugeMetricFamily] | type[CounterMetricFamily],
    name: str,
    text: str,
    label: str,
    figures: Mapping[str, float],
) -> Metric:
    family = kind(f"livecomments_{name}", text, labels=[label])
    for value, figure in figures.items():
        family.add_metric([value], figure)
    return family


def _distribution(
    name: str, text: str, bounds: Sequence[float], counts: Sequence[int], total: float
) -> Metric:
    so_far = list(accumulate(counts))
    names = [*map(floatToGoString, bounds), "+Inf"]
    buckets = list(zip(names, map(float, so_far), strict=True))
    return HistogramMetricFamily(f"livecomments_{name}", text, buckets=buckets, sum_value=total)


class _Read(Collector):
    """One metric, made when Prometheus asks."""

    def __init__(self, read: Callable[[], Metric]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        yield self._read()
