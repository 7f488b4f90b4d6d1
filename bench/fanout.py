"""Fan-out without coalescing: one node on one core, its viewers on the other.

CPU per delivery: the node, a C loop, a bare uvloop server and nchan send frames of the same size to
as many viewers at the same pace. They take turns, in an order drawn anew each time, and a repeat is
the median of several turns: other programs on the machine then hit all of them alike.

Deliveries/s: the highest rate at which each comment still leaves the node in a write of its own,
with all that a node does to keep time. What it is held against sends round after round without a
pause, and its rate is for each second of CPU: nothing in it could be faster.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from bench.effort import Effort
from bench.figures import Beside, Finding, Measured, On, Row, Target, measured
from bench.senders import NchanSender, NodeSender, RawSender, Sender, others

_TIMES_C = 1.25
_TIMES_NCHAN = 0.9
_ALONE = 0.98  # of the deliveries must have a write to themselves
_PROBE_S = 0.6
_MIN_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Size:
    """Each round must have left before the next one comes: one write for each delivery.
    `halvings`: how exactly the highest rate is found.
    """

    viewers: int
    comments_per_s: float
    rounds: int
    turns: int
    halvings: int = 6


_FULL = (Size(1_000, 20, rounds=4, turns=6), Size(5_000, 4, rounds=3, turns=4))
_QUICK = (Size(50, 20, rounds=2, turns=1, halvings=1),)


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    for size in effort.choose(_FULL, _QUICK):
        with ExitStack() as stack:
            node = NodeSender(stack, size.viewers)
            beside = others(stack, size.viewers, node.frame)
            cost = _costs([node, *beside], size, effort.repeats)
            yield from cost_rows(size, cost)
            yield from _rate_rows(size, _rates(node, beside, size, effort.repeats))


def _costs(senders: list[Sender], size: Size, repeats: int) -> Mapping[str, Measured]:
    """Microseconds of CPU for each write, by who sends."""
    _repeat(senders, size)  # caches and memory pools fill up
    done = [_repeat(senders, size) for _ in range(repeats)]
    return {name: measured([each[name] for each in done], "us") for name in done[0]}


def _repeat(senders: list[Sender], size: Size) -> dict[str, float]:
    turns: dict[str, list[float]] = {sender.name: [] for sender in senders}
    for sender in random.sample(senders * size.turns, len(senders) * size.turns):
        turns[sender.name].append(sender.send(size.comments_per_s, size.rounds))
    return {name: median(values) for name, values in turns.items()}


def cost_rows(size: Size, cost: Mapping[str, Measured]) -> Iterator[Row]:
    """The node's cost for each delivery beside that of every other that was measured."""
    rate = int(size.viewers * size.comments_per_s)
    figure = f"CPU per delivery, {size.viewers:,} viewers, {rate:,}/s, not coalesced"
    for name in cost:
        beside = Beside(name, cost[name])
        if name == RawSender.IN_C:
            target = Target(_TIMES_C, "times", on=On.LIMIT)
            yield Row(figure, cost["node"], limit=beside, target=target)
        elif name == RawSender.IN_PYTHON:  # a weaker limit than the one that the target names
            yield Row(figure, cost["node"], limit=beside)
        elif name == NchanSender.name:
            target = Target(_TIMES_NCHAN, "times", on=On.PEER)
            yield Row(figure, cost["node"], peer=beside, target=target)
        elif name != NodeSender.name:
            yield Row(figure, cost["node"], peer=beside)


def _rates(
    node: NodeSender, beside: Sequence[Sender], size: Size, repeats: int
) -> Mapping[str, Measured]:
    """Thousand deliveries/s, by who sends."""
    # uvloop's transport would join what is written in one turn.
    unjoined = [sender for sender in beside if isinstance(sender, RawSender | NchanSender)]
    done: dict[str, list[float]] = {sender.name: [] for sender in (node, *unjoined)}
    for _ in range(repeats):
        flat_out_us = {sender.name: sender.send(math.inf, _MIN_ROUNDS) for sender in unjoined}
        for name, cost_us in flat_out_us.items():
            done[name].append(1e3 / cost_us)
        # The first of the others is the limit: nothing that is fairly measured goes beyond it.
        done[node.name].append(_highest(node, size, 1e6 / flat_out_us[unjoined[0].name]) / 1e3)
    return {name: measured(values, "k/s") for name, values in done.items()}


def _highest(node: NodeSender, size: Size, limit_per_s: float) -> float:
    """Deliveries/s."""
    best, low, high = 0.0, 0.0, limit_per_s
    for _ in range(size.halvings):
        middle = (low + high) / 2
        # Other work on the machine may spoil a try.
        reached = _uncoalesced(node, size, middle) or _uncoalesced(node, size, middle)
        best, low, high = (reached, middle, high) if reached else (best, low, middle)
    return best


def _uncoalesced(node: NodeSender, size: Size, per_s: float) -> float:
    """Deliveries/s of one try; 0 if some left joined."""
    comments_per_s = per_s / size.viewers
    load = node.post(comments_per_s, max(int(comments_per_s * _PROBE_S), _MIN_ROUNDS))
    return load.deliveries / load.took_s if load.writes >= _ALONE * load.deliveries else 0.0


def _rate_rows(size: Size, rates: Mapping[str, Measured]) -> Iterator[Row]:
    figure = f"highest rate of deliveries, {size.viewers:,} viewers, not coalesced, one core"
    ours = rates[NodeSender.name]
    for name in rates:
        beside = Beside(f"{name}, without a pause", rates[name])
        if name == NchanSender.name:
            yield Row(figure, ours, peer=beside)
        elif name != NodeSender.name:
            yield Row(figure, ours, limit=beside)
