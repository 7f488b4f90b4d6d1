"""What strikes when, decided beforehand: the same seed, minutes and faults give the same schedule.

Invariants: a schedule depends on nothing that happens in the run. Times are relative to the end of
the step before, since healing takes as long as it takes.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.entry import ALONE, Names
from tests.chaos.fault_catalogue import CATALOGUE
from tests.chaos.fault_injection import LONG_CALM_S

WARM_UP_S = 6.0
_AT_THE_END_S = LONG_CALM_S + 4.0
_PAIRS = 0.25  # of the steps two faults at a time
_RECOVERY_S = 8.0  # about what a step takes besides its calm and its hold


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault of a step."""

    fault: str
    targets: tuple[str, ...]
    hold_s: float
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """A calm of `calm_s`, then one strike, or two that overlap."""

    calm_s: float
    strikes: tuple[Strike, ...]

    def __str__(self) -> str:
        told = (
            f"{one.fault} {' '.join(one.targets)} for {one.hold_s:.1f} s"
            + (f" {one.after_s:.1f} s later" if one.after_s else "")
            for one in self.strikes
        )
        return f"{self.calm_s:.1f} s calm, then " + " and ".join(told)


def plan(seed: str, minutes: float, names: Names, faults: Sequence[str]) -> list[Step]:
    """The schedule, of these faults, on the parts that there are."""
    dice = random.Random(f"{seed}/schedule")
    left_s = minutes * 60 - WARM_UP_S - _AT_THE_END_S
    bag: list[str] = []
    steps = []
    while left_s > 0:
        if not bag:  # every fault comes once before any comes again
            bag = sorted(faults)
            dice.shuffle(bag)
        step = _step(dice, bag, names)
        steps.append(step)
        left_s -= step.calm_s + _RECOVERY_S + max(one.after_s + one.hold_s for one in step.strikes)
    return steps


def _step(dice: random.Random, bag: list[str], names: Names) -> Step:
    first = bag.pop()
    strikes = [_strike(dice, first, names)]
    groups = {CATALOGUE[first].group, ALONE}
    others = [name for name in bag if CATALOGUE[name].group not in groups]
    if CATALOGUE[first].group == ALONE:
        others = []
    if others and dice.random() < _PAIRS:
        second = dice.choice(others)
        bag.remove(second)
        strikes.append(_strike(dice, second, names, after_s=dice.uniform(0.0, 2.0)))
    return Step(dice.uniform(3.0, 5.0), tuple(strikes))


def _strike(dice: random.Random, fault: str, names: Names, after_s: float = 0.0) -> Strike:
    entry = CATALOGUE[fault]
    targets = tuple(entry.choose(dice, names))
    return Strike(fault, targets, dice.uniform(*entry.hold_s), after_s)
