"""Viewer totals as part of a process: kept up each second, and shown to Prometheus."""

from __future__ import annotations

import asyncio
import secrets
import time

from prometheus_client import CollectorRegistry

from service.metrics import Exports
from service.tasks import TaskHome
from writer.viewer_totals import TotalsLimits, ViewerTotals

_TICK_S = 1.0


def build_totals(registry: CollectorRegistry, limits: TotalsLimits | None = None) -> ViewerTotals:
    """Totals of a new life of this process."""
    totals = ViewerTotals(secrets.token_hex(8), limits)
    exports = Exports(registry)
    exports.gauge("counted_viewers", "Viewers on all nodes", lambda: totals.viewers)
    exports.gauge("counted_videos", "Videos with viewers in the last hour", lambda: totals.videos)
    exports.gauge("counted_nodes", "Nodes with viewers", lambda: totals.nodes)
    exports.gauge(
        "counts_known",
        "1: all nodes have told how many watch; 0: not yet, or no node reaches this process",
        lambda: int(totals.settled(time.monotonic())),
    )
    exports.counter(
        "counted_nodes_expired",
        "Nodes that fell silent and were forgotten with their viewers",
        lambda: totals.expired,
    )
    exports.counters(
        "counts_dropped",
        "Counts of viewers that were not taken in: a table is full",
        "reason",
        lambda: totals.dropped,
    )
    return totals


def start_totals(totals: ViewerTotals, tasks: TaskHome) -> None:
    """Nodes may report from now on."""
    totals.begin(time.monotonic())
    tasks.spawn(_keep_up(totals), "viewer totals")


async def _keep_up(totals: ViewerTotals) -> None:
    while True:
        await asyncio.sleep(_TICK_S)
        totals.tick(time.monotonic())
