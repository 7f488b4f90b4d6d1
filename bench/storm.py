"""A storm of connections: a node is killed, its viewers come back with their cursors, all at once.

5,000 through HAProxy on three nodes; 10,000 straight at two nodes, of which one dies, so that the
other takes twice what it has. Comments go on meanwhile. A viewer is whole again when it has
everything up to the head that its new stream named.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

import uvloop

from bench import clusters, event_sources
from bench.child import Child
from bench.effort import Effort
from bench.figures import Curve, Finding, Line, Row, Target, measured, percentile
from bench.open_loop import OpenLoop
from cluster.cluster import Cluster
from cluster.parts import Kind

_VIDEOS = 20
_POSTS_PER_S = 20.0
_POSTS_BEFORE = 20
_GO_ON_S = 8.0
_WITHIN_S = 6.0
_OPENED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Storm:
    """`straight`: at the nodes, without the gateway."""

    text: str
    viewers: int
    nodes: int
    straight: bool


_FULL = (
    Storm("5,000 viewers through HAProxy, one of three nodes killed", 5_000, 3, straight=False),
    Storm("10,000 viewers directly at two nodes, one killed", 10_000, 2, straight=True),
)
_QUICK = (Storm("60 viewers directly at two nodes, one killed", 60, 2, straight=True),)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`again_s`: seconds from the kill until each viewer that lost its stream was whole."""

    again_s: list[float]
    gaps: int
    ranges_at_once: float
    range_reads: float


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark and its curve. Raises BenchFailed."""
    lines = []
    for storm in effort.choose(_FULL, _QUICK):
        done = [uvloop.run(_measure(storm)) for _ in range(effort.repeats)]
        yield from _rows(storm, done)
        lines.append(_line(storm, done[-1]))
    yield Curve(
        "storm", "Whole again after a node was killed", "s after the kill", "viewers", tuple(lines)
    )


def _rows(storm: Storm, done: list[Outcome]) -> Iterator[Row]:
    lost = measured([len(outcome.again_s) for outcome in done], "").median
    yield Row(
        f"{storm.text} ({lost:,.0f} streams lost): all complete again",
        measured([max(outcome.again_s) for outcome in done], "s", 2),
        target=Target(_WITHIN_S, "s"),
    )
    yield Row(
        "the same: half of them",
        measured([percentile(outcome.again_s, 50) for outcome in done], "s", 2),
    )
    yield Row(
        "the same: concurrent range reads of one video in any node, at most",
        measured([outcome.ranges_at_once for outcome in done], "", 0),
        target=Target(1.0),
    )
    yield Row(
        f"the same: range reads in all, {_VIDEOS} videos",
        measured([outcome.range_reads for outcome in done], "", 0),
    )
    yield Row(
        "the same: gap events",
        measured([outcome.gaps for outcome in done], "", 0),
        target=Target(0.0),
    )


def _line(storm: Storm, outcome: Outcome) -> Line:
    steps = range(0, len(outcome.again_s), max(len(outcome.again_s) // 100, 1))
    return Line(storm.text, tuple((outcome.again_s[step], float(step + 1)) for step in steps))


async def _measure(storm: Storm) -> Outcome:
    async with clusters.running(nodes=storm.nodes) as cluster:
        gateway = cluster.part("haproxy").ports["http"]
        nodes = clusters.node_ports(cluster)
        videos = [f"storm-{number}" for number in range(_VIDEOS)]
        posts = OpenLoop(gateway, videos)
        try:
            await posts.run(_POSTS_PER_S * 2, _POSTS_BEFORE)  # every video has a comment
            with Child(event_sources.run) as viewers:
                await _open(viewers, nodes if storm.straight else [gateway], videos, storm.viewers)
                return await _kill_one(cluster, viewers, posts)
        finally:
            await posts.aclose()


async def _open(viewers: Child, ports: list[int], videos: list[str], count: int) -> None:
    wanted = [videos[number % len(videos)] for number in range(count)]
    for start in range(0, count, _OPENED_AT_ONCE):
        await asyncio.to_thread(viewers.ask, "open", ports, wanted[start : start + _OPENED_AT_ONCE])


async def _kill_one(cluster: Cluster, viewers: Child, posts: OpenLoop) -> Outcome:
    posting = asyncio.ensure_future(posts.run(_POSTS_PER_S, int(_POSTS_PER_S * _GO_ON_S)))
    await asyncio.sleep(1.0)  # comments are under way
    name = await _most_viewed(cluster)
    killed_at = time.monotonic()
    await cluster.kill(name)
    await posting
    await asyncio.to_thread(viewers.ask, "wait_whole")
    again_s, gaps = viewers.ask("whole_since", killed_at)
    left = [part for part in clusters.pids(cluster, Kind.NODE) if part != name]
    at_once = [await clusters.metric(cluster, part, "range_reads_at_once") for part in left]
    fills = [
        await clusters.metric(cluster, part, f"{kind}_total")
        for part in left
        for kind in ("backfills", "repairs")
    ]
    return Outcome(again_s, gaps, max(at_once), sum(fills))


async def _most_viewed(cluster: Cluster) -> str:
    """The node whose death hurts most."""
    names = list(clusters.pids(cluster, Kind.NODE))
    viewers = {name: (await clusters.ask(cluster, name, "/state"))["viewers"] for name in names}
    return max(names, key=lambda name: viewers[name])
