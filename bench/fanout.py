"""CPU per delivery without coalescing: one node on one core, its viewers on the other.

The node, a C loop, a bare uvloop server and nchan send frames of the same size to as many viewers
at the same pace. They take turns, in an order drawn anew each time, and a repeat is the median of
several turns: other programs on the machine then hit all of them alike.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from bench.effort import Effort
from bench.figures import Beside, Finding, Measured, On, Reach, Row, measured
from bench.senders import Sender, all_senders

_TIMES_C = 1.25
_TIMES_NCHAN = 0.9


@dataclass(frozen=True, slots=True)
class Size:
    """Each round must have left before the next one comes: one write for each delivery."""

    viewers: int
    comments_per_s: float
    rounds: int
    turns: int


_FULL = (Size(1_000, 20, rounds=4, turns=6), Size(5_000, 4, rounds=3, turns=4))
_QUICK = (Size(50, 20, rounds=2, turns=1),)


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    for size in effort.choose(_FULL, _QUICK):
        yield from _rows(size, _measure(size, effort.repeats))


def _measure(size: Size, repeats: int) -> Mapping[str, Measured]:
    """Microseconds of CPU for each write, by who sends."""
    with ExitStack() as stack:
        senders = all_senders(stack, size.viewers)
        _repeat(senders, size)  # caches and memory pools fill up
        done = [_repeat(senders, size) for _ in range(repeats)]
    return {name: measured([each[name] for each in done], "us") for name in done[0]}


def _repeat(senders: list[Sender], size: Size) -> dict[str, float]:
    turns: dict[str, list[float]] = {sender.name: [] for sender in senders}
    for sender in random.sample(senders * size.turns, len(senders) * size.turns):
        turns[sender.name].append(sender.send(size.comments_per_s, size.rounds))
    return {name: median(values) for name, values in turns.items()}


def _rows(size: Size, cost: Mapping[str, Measured]) -> Iterator[Row]:
    rate = int(size.viewers * size.comments_per_s)
    figure = f"CPU per delivery, {size.viewers:,} viewers, {rate:,}/s, not coalesced"
    for name in cost:
        beside = Beside(name, cost[name])
        if name.startswith("send loop"):
            yield Row(
                figure, cost["node"], limit=beside, reach=Reach(_TIMES_C, "times", on=On.LIMIT)
            )
        elif name == "nchan":
            reach = Reach(_TIMES_NCHAN, "times", on=On.PEER)
            yield Row(figure, cost["node"], peer=beside, reach=reach)
        elif name != "node":
            yield Row(figure, cost["node"], peer=beside)
