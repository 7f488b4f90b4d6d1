"""Ten rooms of 100 viewers, 20,000 deliveries/s through HAProxy, by an older revision.

As in `latency`, every delivery counts from when its post was due. There is far more to do than in
`links`, nearly what two cores can: so each cluster is given the load for as long as a repeat takes,
and then the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial

import uvloop

from bench.contender import MAX_MEASURING, Shape, contender, idle_rates
from bench.costs import Cost, cost_of
from bench.effort import Effort
from bench.figures import Finding, Row, Target, measured
from bench.pair import OLD, OURS, pair_of, trees
from bench.revision import Tree
from bench.tree_cluster import cluster_of

_POSTS_PER_S = 200
_RUN_S = 5.0
_WARM_UP_S = 2.0
_IDLE_S = 5.0
_BOUNDS_MS = {50: 8.0, 99: 40.0}
_BY_OLD = 0.4


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    shape = effort.choose(Shape(10, viewers=100), Shape(2, viewers=10))
    per_s = effort.choose(_POSTS_PER_S, 20)
    with ExitStack() as stack:
        ours, old = trees(stack, effort)
        runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        wanted = {OURS: ours} if old is None else {OURS: ours, OLD: old}
        sides = {}
        for name, tree in wanted.items():
            cluster = stack.enter_context(cluster_of(tree, nodes=3))
            sides[name] = stack.enter_context(contender(cluster, shape, runner))
            sides[name].run(per_s, effort.choose(_WARM_UP_S, 0.5))
        done = []
        for _ in range(effort.repeats):
            idle = idle_rates(sides.values(), effort.choose(_IDLE_S, 0.5))
            slices = [side.run(per_s, effort.choose(_RUN_S, 0.5)) for side in sides.values()]
            costs = [cost_of([one], rates) for one, rates in zip(slices, idle, strict=True)]
            done.append(dict(zip(sides, costs, strict=True)))
    yield from rows_of(shape, per_s, done, old)


def rows_of(
    shape: Shape, per_s: float, done: Sequence[dict[str, Cost]], old: Tree | None
) -> Iterator[Row]:
    """What all repeats come to: each percentile as it is, and by the older revision."""
    rate = per_s * shape.viewers
    what = f"{shape.videos} rooms of {shape.viewers}, {rate:,.0f} deliveries/s"
    pair = pair_of(done, old)
    for percent, bound in _BOUNDS_MS.items():
        figure, late = f"post to viewer, {what}: p{percent}", partial(_late, percent)
        yield pair.row(figure, late, "ms", Target(bound, "ms"))
        yield pair.ratio_row(figure, late, "ms", _BY_OLD)
    yield pair.row(f"CPU of a comment, {what}", _total, "ms")
    yield Row(
        f"who posts and watches, {what} (more than {MAX_MEASURING:g} is void)",
        measured([one[OURS].measuring for one in done], "cores", 2),
    )


def _late(percent: int, cost: Cost) -> float:
    return cost.late(percent)


def _total(cost: Cost) -> float:
    return cost.total_ms
