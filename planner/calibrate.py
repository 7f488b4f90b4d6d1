"""The constants of the planner, measured: one cluster, one load after another, and for each stage
the costs that explain its CPU in all of them (planner.fit).

The loads differ in what they have much of: nothing, posts that nobody watches, viewers who come,
large rooms, bursts, many small rooms. Two costs whose work always comes together cannot be told
apart; their sum is right for loads like these.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from coordination.registrar import AUDIT_EVERY_S
from planner import zookeeper
from planner.constants import Constants
from planner.demand import Demand, rules
from planner.fit import fit
from planner.model import DISPATCHER, GATEWAY, NODE, STAGES, WRITER, ZOOKEEPER, Shape
from planner.placement import beats_per_s
from planner.runs import RealRun, Window, real_run

SHAPE = Shape(nodes=3, dispatchers=2, writers=2)
PHASE_S, WARM_UP_S = 4.0, 2.0
POSTS_PER_S = 50.0
AT_ONCE = 24
_NOBODY = Demand(0, 50, 0.0, zipf=0.0, prefix="empty-")
_ROOMS = Demand(600, 3, 0.0, zipf=0.0, prefix="large-")
_SMALL = Demand(600, 600, 0.0, zipf=0.0, prefix="small-")


async def calibrate() -> Constants:
    """Two clusters, one after the other, each for half a minute. Raises BenchFailed."""
    windows: list[Window] = []
    change_s = 0.0
    for measure in (measure_rooms, measure_small_rooms):
        async with real_run(SHAPE) as run:
            await run.phase(_with_posts(_NOBODY), WARM_UP_S)
            windows += await measure(run)
            change_s = await asyncio.to_thread(zookeeper.change_s, *run.zookeeper())
    return replace(solve(windows), zookeeper_change=change_s)


async def measure_rooms(run: RealRun) -> list[Window]:
    """Nothing, posts that nobody watches, viewers who come, large rooms, bursts."""
    return [
        await run.phase(_NOBODY, PHASE_S),
        await run.phase(_with_posts(_NOBODY), PHASE_S),
        await run.joining(_ROOMS),
        await run.phase(_with_posts(_ROOMS), PHASE_S),
        await run.phase(_with_posts(_ROOMS), PHASE_S, at_once=AT_ONCE),
        await run.phase(_ROOMS, PHASE_S),
    ]


async def measure_small_rooms(run: RealRun) -> list[Window]:
    """The same with a video for each viewer."""
    return [
        await run.joining(_SMALL),
        await run.phase(_with_posts(_SMALL), PHASE_S),
        await run.phase(_SMALL, PHASE_S),
        await run.phase(_with_posts(_SMALL), PHASE_S, at_once=AT_ONCE),
    ]


def _with_posts(demand: Demand) -> Demand:
    return replace(demand, comments_per_s=POSTS_PER_S)


def solve(windows: list[Window]) -> Constants:
    """The constants that explain these windows best; those that they say nothing about stay."""
    found: dict[str, float] = {}
    for stage in STAGES:
        work = [_WORK[stage](window) for window in windows]
        found |= fit(
            work, [window.after.cpu_s[stage] - window.before.cpu_s[stage] for window in windows]
        )
    idle, joined = windows[0], windows[2]
    streams = joined.seen_after.joins - joined.seen_before.joins
    grown = joined.after.rss_bytes[GATEWAY] - joined.before.rss_bytes[GATEWAY]
    found["gateway_viewer_bytes"] = max(grown, 0.0) / streams
    small = windows[6]
    grown = small.after.rss_bytes[NODE] - small.before.rss_bytes[NODE]
    found["video_bytes"] = max(grown / _openings(small) - Constants().node_viewer_bytes, 0.0)
    found["process_bytes"] = idle.after.rss_bytes[NODE] / SHAPE.nodes
    busy = windows[3]
    found["commit_s"] = busy.grown(WRITER, "commit_seconds_sum") / busy.grown(
        WRITER, "commit_seconds_count"
    )
    return replace(Constants(), **found)


def _gateway(window: Window) -> dict[str, float]:
    return {
        "gateway_idle": window.seconds,
        "gateway_post": _posts(window),
        "gateway_accept": _joins(window),
        "gateway_write": _writes(window),
    }


def _writer(window: Window) -> dict[str, float]:
    return {
        "writer_idle": window.seconds * SHAPE.writers,
        "writer_post": _posts(window),
        "writer_batch": window.grown(DISPATCHER, "dispatched_batches_total"),
        "writer_opening": _openings(window),
        "writer_head": _heads(window),
    }


def _dispatcher(window: Window) -> dict[str, float]:
    return {
        "dispatcher_idle": window.seconds * SHAPE.dispatchers,
        "dispatcher_batch": window.grown(DISPATCHER, "dispatched_batches_total"),
        "dispatcher_forward": window.grown(DISPATCHER, "forwards_total"),
        "dispatcher_route": _route_reads(window),
        "dispatcher_added_batch": window.grown(DISPATCHER, "forwarded_batches_total"),
    }


def _node(window: Window) -> dict[str, float]:
    return {
        "node_idle": window.seconds * SHAPE.nodes,
        "node_forward": window.grown(DISPATCHER, "forwards_total"),
        "node_added_batch": window.grown(DISPATCHER, "forwarded_batches_total"),
        "node_write": _writes(window),
        "node_accept": _joins(window),
        "node_opening": _openings(window),
        "node_head": _heads(window),
    }


def _zookeeper(window: Window) -> dict[str, float]:
    return {
        "zookeeper_idle": window.seconds,
        "zookeeper_cold_change": 2 * _openings(window),  # the videos' own znodes too
        "zookeeper_read": _registrations(window) / AUDIT_EVERY_S * window.seconds
        + _route_reads(window),
    }


_WORK = {
    GATEWAY: _gateway,
    WRITER: _writer,
    DISPATCHER: _dispatcher,
    NODE: _node,
    ZOOKEEPER: _zookeeper,
}


def _posts(window: Window) -> float:
    return window.grown(WRITER, "comments_accepted_total")


def _joins(window: Window) -> float:
    return float(window.seen_after.joins - window.seen_before.joins)


def _openings(window: Window) -> float:
    """Videos that a node began to serve."""
    return window.grown(NODE, "registrations")


def _route_reads(window: Window) -> float:
    return window.grown(DISPATCHER, "route_reads_total")


def _registrations(window: Window) -> float:
    return window.mean(NODE, "registrations")


def _heads(window: Window) -> float:
    """All videos of these loads have had a comment or a join within the minute, so they are checked
    at the short interval; the counters know only requests.
    """
    return _registrations(window) / rules(Constants()).active_every_s * window.seconds


def _writes(window: Window) -> float:
    """Heartbeats are not counted: they follow from how often each video had a comment."""
    viewers, videos = window.mean(NODE, "viewers"), max(_registrations(window), 1.0)
    rate = window.grown(DISPATCHER, "forwarded_batches_total") / videos / window.seconds
    beats = beats_per_s(rules(Constants()).beat_after_s, rate) * viewers * window.seconds
    return window.grown(NODE, "writes_total") + beats
