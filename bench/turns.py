"""One load for several clusters that stand beside each other, given to them in short turns, so that
other work on the machine hits all alike.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from bench.contender import Contender, Slice, idle_rates
from bench.costs import Cost, cost_of
from bench.effort import Effort
from bench.favour import favoured

_WARM_UP_S = 2.0
_IDLE_S = 10.0
_IDLE_QUICK_S = 1.0
_CALM_S = 3.0  # checks of videos that had comments until a moment ago are not idling


@dataclass(frozen=True, slots=True)
class Load:
    """`turns` (an even number, see `order_of`) of `turn_s` each make a repeat."""

    per_s: float
    turn_s: float
    turns: int

    @property
    def warm_up_s(self) -> float:
        """At most a turn, where turns are short."""
        return min(_WARM_UP_S, self.turn_s)


def warm_up(sides: Mapping[str, Contender], load: Load) -> None:
    """Caches, connections and the server in Java."""
    for side in sides.values():
        side.run(load.per_s, load.warm_up_s)


@contextmanager
def favoured_if_asked(sides: Mapping[str, Contender], effort: Effort) -> Iterator[None]:
    """As `--favour` says. Raises BenchFailed."""
    pids = [pid for side in sides.values() for pid in side.pids]
    with favoured(pids) if effort.favour else nullcontext():
        yield


def take_turns(sides: Mapping[str, Contender], load: Load, effort: Effort) -> dict[str, Cost]:
    """A repeat: what each takes while nobody posts, and what a comment costs beyond that."""
    time.sleep(effort.choose(_CALM_S, 0.0))
    idle = idle_rates(sides.values(), effort.choose(_IDLE_S, _IDLE_QUICK_S))
    slices: dict[str, list[Slice]] = {name: [] for name in sides}
    for turn in range(load.turns):
        for name in order_of(list(sides), turn):
            slices[name].append(sides[name].run(load.per_s, load.turn_s))
    return {name: cost_of(slices[name], rates) for name, rates in zip(sides, idle, strict=True)}


def order_of(names: Sequence[str], turn: int) -> list[str]:
    """There and back: who always came first would always meet what was cold."""
    return list(names) if turn % 2 == 0 else list(reversed(names))
