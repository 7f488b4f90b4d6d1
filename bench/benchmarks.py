"""All benchmarks by name, in the order in which they are measured.

A benchmark is a generator of rows and curves; it raises BenchFailed when a figure could not be
measured, and is bounded in time whatever the machine does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bench import (
    accept,
    busy,
    cassandra,
    crowded,
    delivery,
    dynamodb,
    fanout,
    growth,
    idle,
    latency,
    links,
    memory,
    removals,
    rooms,
    routing,
    scale,
    soak,
    storm,
    tokens,
    unmoderated,
    viewer_counts,
)  # fmt: skip
from bench.effort import Effort
from bench.figures import Finding

Measure = Callable[[Effort], Iterator[Finding]]

BENCHMARKS: Mapping[str, Measure] = {
    "fanout": fanout.measure,
    "busy": busy.measure,
    "rooms": rooms.measure,
    "removals": removals.measure,
    "viewers": viewer_counts.measure,
    "memory": memory.measure,
    "storm": storm.measure,
    "accept": accept.measure,
    "tokens": tokens.measure,
    "unmoderated": unmoderated.measure,
    "cassandra": cassandra.measure,
    "dynamodb": dynamodb.measure,
    "latency": latency.measure,
    "links": links.measure,
    "crowded": crowded.measure,
    "delivery": delivery.measure,
    "idle": idle.measure,
    "routing": routing.measure,
    "growth": growth.measure,
    "scale": scale.measure,
    "soak": soak.measure,
}
