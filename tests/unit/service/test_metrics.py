"""Figures that Prometheus reads."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from service.metrics import Exports, render


def test_a_distribution_counts_every_value_in_its_bucket_and_those_above() -> None:
    registry = CollectorRegistry()
    observe = Exports(registry).histogram("wait_seconds", "A wait", (0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7.0):
        observe(value)
    lines = set(render(registry).decode().splitlines())
    assert {
        'livecomments_wait_seconds_bucket{le="0.1"} 2.0',
        'livecomments_wait_seconds_bucket{le="1.0"} 3.0',
        'livecomments_wait_seconds_bucket{le="+Inf"} 4.0',
        "livecomments_wait_seconds_count 4.0",
        "livecomments_wait_seconds_sum 7.65",
    } <= lines


def test_a_distribution_without_values_is_there_and_empty() -> None:
    registry = CollectorRegistry()
    Exports(registry).histogram("wait_seconds", "A wait", (0.1,))
    assert "livecomments_wait_seconds_count 0.0" in render(registry).decode()
