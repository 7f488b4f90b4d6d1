"""A comment through the whole cluster: the dispatcher by broadcast, and both by an older revision.

40 videos of 10 viewers on three nodes get comments at 100/s and at 400/s, in turn over all videos.
All clusters stand at the same time; short slices of the load go to one after the other, so that
other work on the machine hits all. CPU is that of all processes of a cluster, less what the same
processes take with the same viewers while nobody posts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import uvloop

from bench.contender import MAX_MEASURING, Shape, contender
from bench.costs import BUS, ROLES, Cost
from bench.effort import Effort
from bench.figures import Beside, Finding, On, Row, Target, measured
from bench.pair import OLD, OURS, pair_of, trees
from bench.revision import Tree
from bench.tree_cluster import cluster_of
from bench.turns import Load, favoured_if_asked, take_turns, warm_up

BROADCAST = "broadcast"

Repeat = dict[str, Cost]  # by side


@dataclass(frozen=True, slots=True)
class Targets:
    """Of a load, ratios to the peer; those of lateness by percentile."""

    by_broadcast: float
    by_old: float = 0.55
    late: tuple[tuple[int, float], ...] = ()


FULL = (
    (Load(100, turn_s=3.0, turns=4), Targets(by_broadcast=1.0)),
    (Load(400, turn_s=2.0, turns=4), Targets(by_broadcast=0.9, late=((50, 0.4), (99, 0.5)))),
)
QUICK = ((Load(50, turn_s=0.5, turns=2), Targets(by_broadcast=1.0, late=((50, 0.4),))),)


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
        stack.enter_context(favoured_if_asked(sides, effort))
        for load, targets in effort.choose(FULL, QUICK):
            warm_up(sides, load)
            done = [take_turns(sides, load, effort) for _ in range(effort.repeats)]
            what = f"{shape.text}, 3 nodes, {load.per_s:g} comments/s"
            yield from rows_of(what, targets, done, old)


def rows_of(what: str, targets: Targets, done: Sequence[Repeat], old: Tree | None) -> Iterator[Row]:
    """What all repeats of one load come to."""
    total = f"CPU of a comment, {what}"
    pair = pair_of(done, old)
    ours, broadcast = (
        measured([one[side].total_ms for one in done], "ms", 2) for side in (OURS, BROADCAST)
    )
    target = Target(targets.by_broadcast, "times", on=On.PEER)
    yield Row(total, ours, peer=Beside("broadcast", broadcast), target=target)
    yield pair.ratio_row(total, _total, "ms", targets.by_old)
    for role in ROLES:
        yield pair.row(f"of these, {role}", partial(_of, role), "ms")
    yield Row(f"of these, {BUS}", measured([one[OURS].cpu_ms[BUS] for one in done], "ms", 2))
    for role in done[0][BROADCAST].cpu_ms:
        values = [one[BROADCAST].cpu_ms[role] for one in done]
        yield Row(f"of broadcast, {role}", measured(values, "ms", 2))
    for percent, bound in targets.late:
        figure = f"post to viewer, {what}: p{percent}"
        yield pair.ratio_row(figure, partial(_late, percent), "ms", bound)
    yield Row(
        f"who posts and watches, {what} (more than {MAX_MEASURING:g} is void)",
        measured([one[OURS].measuring for one in done], "cores", 2),
    )


def _total(cost: Cost) -> float:
    return cost.total_ms


def _of(role: str, cost: Cost) -> float:
    return cost.cpu_ms[role]


def _late(percent: int, cost: Cost) -> float:
    return cost.late(percent)
