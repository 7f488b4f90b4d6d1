"""Ten rooms of 100 viewers, 20,000 deliveries/s through HAProxy, by an older revision.

As in `latency`, every delivery counts from when its post was due; as in `links`, both clusters get
short turns of the load.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial

import uvloop

from bench.contender import MAX_MEASURING, Shape, contender
from bench.costs import Cost
from bench.effort import Effort
from bench.figures import Finding, Row, Target, measured
from bench.pair import OURS, pair_of, started, trees
from bench.revision import Tree
from bench.turns import Load, favoured_if_asked, take_turns, warm_up

FULL = (Shape(10, viewers=100), Load(200, turn_s=2.5, turns=4))
QUICK = (Shape(2, viewers=10), Load(20, turn_s=0.5, turns=2))
_BOUNDS_MS = {50: 8.0, 99: 40.0}
_BY_OLD = 0.4


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    shape, load = effort.choose(FULL, QUICK)
    with ExitStack() as stack:
        ours, old = trees(stack, effort)
        runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        sides = {
            name: stack.enter_context(contender(cluster, shape, runner))
            for name, cluster in started(stack, ours, old).items()
        }
        stack.enter_context(favoured_if_asked(sides, effort))
        warm_up(sides, load)
        done = [take_turns(sides, load, effort) for _ in range(effort.repeats)]
    yield from rows_of(shape, load.per_s, done, old)


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
