"""A comment through the whole cluster: the dispatcher by broadcast, and both by an older revision.

40 videos of 10 viewers on three nodes get comments at 100/s and at 400/s, in turn over all videos.
All clusters stand at the same time; short slices of the load go to one after the other, so that
other work on the machine hits all. CPU is that of all processes of a cluster, less what the same
processes take with the same viewers while nobody posts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import uvloop

from bench.contender import MAX_MEASURING, Contender, Shape, Slice, contender, idle_rates
from bench.costs import BUS, ROLES, Cost, cost_of
from bench.effort import Effort
from bench.figures import Beside, Finding, Measured, On, Row, Target, measured
from bench.revision import Tree, unpacked, why_missing, working_tree
from bench.tree_cluster import cluster_of

OURS, BROADCAST, OLD = "ours", "broadcast", "old"
_WARM_UP_S = 2.0
_IDLE_S = 10.0


@dataclass(frozen=True, slots=True)
class Load:
    """`slices` of `slice_s` each make a repeat. The rest are targets, ratios to the peer."""

    per_s: float
    slice_s: float
    slices: int
    by_broadcast: float
    by_old: float = 0.55
    late: tuple[tuple[int, float], ...] = ()


_FULL = (
    Load(100, 4.0, 3, by_broadcast=1.0),
    Load(400, 2.0, 4, by_broadcast=0.9, late=((50, 0.4), (99, 0.5))),
)
_QUICK = (Load(50, 0.5, 1, by_broadcast=1.0, late=((50, 0.4),)),)

Costs = Mapping[str, list[Cost]]
Pick = Callable[[Sequence[Cost]], Measured]


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    shape = Shape(effort.choose(40, 4), viewers=10)
    with ExitStack() as stack:
        ours, old = trees(stack, effort)
        runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        wanted = {OURS: (ours, "dispatcher"), BROADCAST: (ours, "broadcast")}
        if old is not None:
            wanted[OLD] = (old, "dispatcher")
        sides = {}
        for name, (tree, topology) in wanted.items():
            cluster = stack.enter_context(cluster_of(tree, topology=topology, nodes=3))
            sides[name] = stack.enter_context(contender(cluster, shape, runner))
        for load in effort.choose(_FULL, _QUICK):
            _warm_up(sides, load, effort)
            done = [_repeat(sides, load, effort) for _ in range(effort.repeats)]
            costs = {name: [repeat[name] for repeat in done] for name in sides}
            yield from rows_of(load, shape, costs, old.name if old else "")


def trees(stack: ExitStack, effort: Effort) -> tuple[Tree, Tree | None]:
    """Ours, and the older one; None if there is none here. Raises BenchFailed."""
    ours = stack.enter_context(unpacked(effort.ours)) if effort.ours else working_tree()
    if not effort.peer or why_missing(effort.peer):
        return ours, None
    return ours, stack.enter_context(unpacked(effort.peer))


def rows_of(load: Load, shape: Shape, costs: Costs, old: str) -> Iterator[Row]:
    """`old`: the peer's name, if there is one."""
    what = f"{shape.videos} videos of {shape.viewers} viewers, 3 nodes, {load.per_s:g} comments/s"
    total = f"CPU of a comment, {what}"
    broadcast = Beside("broadcast", _total(costs[BROADCAST]))
    target = Target(load.by_broadcast, "times", on=On.PEER)
    yield Row(total, _total(costs[OURS]), peer=broadcast, target=target)
    yield _by_old(total, _total, costs, old, load.by_old)
    for role in ROLES:
        yield _by_old(f"of these, {role}", partial(_of, role), costs, old)
    yield Row(f"of these, {BUS}", _of(BUS, costs[OURS]))  # next to nothing: no ratio
    for role in costs[BROADCAST][0].cpu_ms:
        yield Row(f"of broadcast, {role}", _of(role, costs[BROADCAST]))
    for percent, bound in load.late:
        figure = f"post to viewer, {what}: p{percent}"
        yield _by_old(figure, partial(_late, percent), costs, old, bound)
    yield Row(
        f"who posts and watches, {load.per_s:g} comments/s (more than {MAX_MEASURING:g} is void)",
        measured([one.measuring for one in costs[OURS]], "cores", 2),
    )


def _by_old(figure: str, pick: Pick, costs: Costs, old: str, bound: float | None = None) -> Row:
    """Ours beside the older revision's, if there is one: without it nothing can be judged."""
    ours = pick(costs[OURS])
    if OLD not in costs:
        return Row(figure, ours)
    target = None if bound is None else Target(bound, "times", on=On.PEER)
    return Row(figure, ours, peer=Beside(old, pick(costs[OLD])), target=target)


def _total(done: Sequence[Cost]) -> Measured:
    return measured([one.total_ms for one in done], "ms", 2)


def _of(role: str, done: Sequence[Cost]) -> Measured:
    return measured([one.cpu_ms[role] for one in done], "ms", 2)


def _late(percent: int, done: Sequence[Cost]) -> Measured:
    return measured([one.late(percent) for one in done], "ms")


def _warm_up(sides: Mapping[str, Contender], load: Load, effort: Effort) -> None:
    """Caches, connections and the server in Java."""
    for side in sides.values():
        side.run(load.per_s, effort.choose(_WARM_UP_S, load.slice_s))


def _repeat(sides: Mapping[str, Contender], load: Load, effort: Effort) -> dict[str, Cost]:
    idle = idle_rates(sides.values(), effort.choose(_IDLE_S, 1.0))
    slices: dict[str, list[Slice]] = {name: [] for name in sides}
    for _ in range(load.slices):
        for name, side in sides.items():
            slices[name].append(side.run(load.per_s, load.slice_s))
    return {name: cost_of(slices[name], rates) for name, rates in zip(sides, idle, strict=True)}
