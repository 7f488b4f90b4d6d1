"""What a cluster takes that has nothing to do: nine processes and no comment, first without a
viewer, then with 400 that get heartbeats.

An older revision's cluster stands beside ours, and both are looked at over the same minute.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

import uvloop

from bench.contender import Shape, contender, cpu_rates
from bench.costs import BUS, ROLES, by_role
from bench.effort import Effort
from bench.figures import Finding, Row, Target
from bench.pair import pair_of, started, trees
from bench.revision import Tree
from cluster.cluster import Cluster

_SETTLE_S = 10.0
_WINDOW_S = 60.0
_TARGET = Target(2.7, "% of a core")
_BY_OLD = 0.5

Shares = dict[str, float]  # by role, in % of a core


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    shape = Shape(effort.choose(40, 4), viewers=10)
    with ExitStack() as stack:
        ours, old = trees(stack, effort)
        runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        sides = started(stack, ours, old)
        yield from rows_of("no viewers", _windows(sides, effort), old)
        for cluster in sides.values():
            stack.enter_context(contender(cluster, shape, runner))
        yield from rows_of(shape.text, _windows(sides, effort), old)


def rows_of(who: str, done: Sequence[dict[str, Shares]], old: Tree | None) -> Iterator[Row]:
    """What all windows come to."""
    pair, total = pair_of(done, old), f"CPU while idle, nine processes, {who}"
    yield pair.row(total, _sum, _TARGET.unit, _TARGET)
    yield pair.ratio_row(total, _sum, _TARGET.unit, _BY_OLD)
    for role in (*ROLES, BUS):
        yield pair.row(f"of these, {role}", partial(_of, role), _TARGET.unit)


def _windows(sides: Mapping[str, Cluster], effort: Effort) -> list[dict[str, Shares]]:
    """All sides over the same times."""
    time.sleep(effort.choose(_SETTLE_S, 0.0))
    window_s = effort.choose(_WINDOW_S, 1.0)
    found = [cpu_rates(list(sides.values()), window_s) for _ in range(effort.repeats)]
    return [
        {side: _in_percent(rates) for side, rates in zip(sides, window, strict=True)}
        for window in found
    ]


def _in_percent(rates: Mapping[str, float]) -> Shares:
    return {role: 100 * rate for role, rate in by_role(rates).items()}


def _sum(shares: Shares) -> float:
    return sum(shares.values())


def _of(role: str, shares: Shares) -> float:
    return shares[role]
