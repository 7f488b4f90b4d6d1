"""What a delivery through the gateway costs, gateway and node together, in one big room.

An older revision's cluster stands beside ours, and in every repeat each gets the load for a while,
twice and in the order A, B, B, A: other work on the machine that grows or ends hits both. What
idling takes (checks, heartbeats) is not counted. Comments come one by one, so a write carries one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

import uvloop

from bench.contender import Contender, Shape, Slice, contender, idle_rates
from bench.costs import Cost, cost_of
from bench.effort import Effort
from bench.figures import Finding, Row
from bench.pair import pair_of, started, trees
from bench.revision import Tree

_POSTS_PER_S = 20
_SLICE_S = 5.0
_WARM_UP_S = 2.0
_IDLE_S = 5.0
_BY_OLD = 0.8
_ROLES = ("haproxy", "node")


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    shape = Shape(1, viewers=effort.choose(1_000, 10))
    with ExitStack() as stack:
        ours, old = trees(stack, effort)
        runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        sides = {}
        for name, cluster in started(stack, ours, old).items():
            sides[name] = stack.enter_context(contender(cluster, shape, runner))
            sides[name].run(_POSTS_PER_S, effort.choose(_WARM_UP_S, 0.5))
        done = [_repeat(sides, effort) for _ in range(effort.repeats)]
    yield from rows_of(shape, done, old)


def rows_of(shape: Shape, done: Sequence[dict[str, Cost]], old: Tree | None) -> Iterator[Row]:
    """What all repeats come to."""
    pair, figure = pair_of(done, old), f"CPU of a delivery, room of {shape.viewers:,}"
    both = partial(_of, _ROLES, shape.viewers)
    yield pair.ratio_row(f"{figure}, gateway and node", both, "us", _BY_OLD)
    for role in _ROLES:
        yield pair.row(f"of these, {role}", partial(_of, (role,), shape.viewers), "us")


def _repeat(sides: Mapping[str, Contender], effort: Effort) -> dict[str, Cost]:
    idle = dict(zip(sides, idle_rates(sides.values(), effort.choose(_IDLE_S, 0.5)), strict=True))
    slices: dict[str, list[Slice]] = {name: [] for name in sides}
    for name in (*sides, *reversed(list(sides))):
        slices[name].append(sides[name].run(_POSTS_PER_S, effort.choose(_SLICE_S, 0.5)))
    return {name: cost_of(slices[name], idle[name]) for name in sides}


def _of(roles: Sequence[str], viewers: int, cost: Cost) -> float:
    """Microseconds: what a comment costs these roles, shared by all who get it."""
    return sum(cost.cpu_ms[role] for role in roles) * 1e3 / viewers
