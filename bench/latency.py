"""From post to viewer through a whole cluster: HAProxy, writers, dispatchers, nodes, ZooKeeper.

An open loop (see open_loop.py); beside it, in the same run, a round trip to the same HAProxy that
HAProxy answers itself. Stage times come from timestamps in the processes.
"""

from __future__ import annotations

import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench import clusters, crowd
from bench.child import BenchFailed, Child
from bench.effort import Effort
from bench.figures import (
    Beside,
    Curve,
    Finding,
    Line,
    Measured,
    Row,
    Target,
    measured,
    percentile,
)  # fmt: skip
from bench.open_loop import OpenLoop
from bench.stage_times import STAGES, stage_times
from cluster.cluster import Cluster
from cluster.parts import Kind

_RUN_S = 5.0
_WARM_UP_S = 2.0


@dataclass(frozen=True, slots=True)
class Size:
    """`target`: at most so many milliseconds, by percentile."""

    rooms: int
    viewers: int  # of each
    posts_per_s: float
    target: tuple[tuple[int, float], ...] = ()

    @property
    def text(self) -> str:
        """As in the report."""
        rate = int(self.posts_per_s * self.viewers)
        if self.rooms == 1:
            return f"a room of {self.viewers:,}, {rate:,} deliveries/s"
        return f"{self.rooms} rooms of {self.viewers:,}, {rate:,} deliveries/s"


_FULL = (
    Size(10, 100, 200, target=((50, 8.0), (99, 40.0))),
    Size(10, 100, 50),  # two cores are full with the first, and then every hop is a queue
    Size(2, 1_000, 20, target=((50, 20.0),)),
    Size(1, 5_000, 4),
)
_QUICK = (Size(2, 10, 20),)


@dataclass(frozen=True, slots=True)
class Run:
    """Milliseconds."""

    delivered: list[float]
    posted: list[float]
    pinged: list[float]
    stages: dict[str, list[float]]


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark and its curve. Raises BenchFailed."""
    sizes = effort.choose(_FULL, _QUICK)
    runs: dict[Size, list[Run]] = {}
    settings = {"environment": {"all": {"STAGE_TIMES": "on"}}}
    with clusters.held(**settings) as (runner, cluster):
        for size in sizes:
            runs[size] = runner.run(_runs(cluster, size, effort))
            yield from _rows(size, runs[size])
    yield from _stage_rows(sizes[0], runs[sizes[0]])
    yield _curve(runs)


async def _runs(cluster: Cluster, size: Size, effort: Effort) -> list[Run]:
    port = cluster.part("haproxy").ports["http"]
    videos = [f"room-of-{size.viewers}-{room}" for room in range(size.rooms)]
    load = OpenLoop(port, videos)
    with Child(crowd.run) as viewers:
        crowd.connect(viewers, port, videos * size.viewers)
        try:
            await _run(cluster, size, load, viewers, effort.choose(_WARM_UP_S, 0.5))
            seconds = effort.choose(_RUN_S, 1.0)
            return [
                await _run(cluster, size, load, viewers, seconds) for _ in range(effort.repeats)
            ]
        finally:
            await load.aclose()


async def _run(cluster: Cluster, size: Size, load: OpenLoop, viewers: Child, seconds: float) -> Run:
    """Raises BenchFailed unless every viewer got every comment."""
    await _notes(cluster)
    posts = int(size.posts_per_s * seconds)
    posted, pinged = await load.run(size.posts_per_s, posts)
    late = array.array("q")
    late.frombytes(viewers.ask("take", posts * size.viewers))
    if len(late) != posts * size.viewers:
        raise BenchFailed(f"{len(late)} deliveries of {posts} comments")
    stages = stage_times(await _notes(cluster))
    if not stages[STAGES[0]]:
        raise BenchFailed("no comment has the times of all stages")
    return Run([ns / 1e6 for ns in late], posted, pinged, stages)


async def _notes(cluster: Cluster) -> list[list[float | str]]:
    names = [
        part.name
        for part in cluster.parts
        if part.kind in (Kind.WRITER, Kind.DISPATCHER, Kind.NODE)
    ]
    return [note for name in names for note in await clusters.ask(cluster, name, "/stages")]


def _rows(size: Size, runs: list[Run]) -> Iterator[Row]:
    target = dict(size.target)
    for percent in (50, 99, 100):
        bound = Target(target[percent], "ms") if percent in target else None
        yield _row(f"post to viewer, {size.text}", runs, lambda run: run.delivered, percent, bound)
    for percent in (50, 99):
        yield _row("post, round trip, same load", runs, lambda run: run.posted, percent, None)


def _row(
    figure: str,
    runs: list[Run],
    pick: Callable[[Run], list[float]],
    percent: int,
    target: Target | None,
) -> Row:
    name = "max" if percent == 100 else f"p{percent}"
    limit = Beside(f"HAProxy's own reply: {name}", _percentiles(runs, lambda r: r.pinged, percent))
    return Row(f"{figure}: {name}", _percentiles(runs, pick, percent), limit=limit, target=target)


def _stage_rows(size: Size, runs: list[Run]) -> Iterator[Row]:
    for percent in (50, 99):
        for stage in STAGES:
            values = [percentile(run.stages[stage], percent) for run in runs]
            yield Row(f"{size.text}, stage {stage}: p{percent}", measured(values, "ms", 2))


def _percentiles(runs: list[Run], pick: Callable[[Run], list[float]], percent: int) -> Measured:
    return measured([percentile(pick(run), percent) for run in runs], "ms")


def _curve(runs: dict[Size, list[Run]]) -> Curve:
    lines = []
    for size, done in runs.items():
        ordered = sorted(ms for run in done for ms in run.delivered)
        steps = [*range(0, 100, 4), 98, 99, 99.5, 99.9]
        points = [(ordered[int(step / 100 * (len(ordered) - 1))], float(step)) for step in steps]
        lines.append(Line(size.text, tuple(points)))
    return Curve(
        "latency", "Post to viewer, through HAProxy", "ms", "% of deliveries", tuple(lines)
    )
