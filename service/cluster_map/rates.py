"""Rates from two readings of counters.

Invariants: a rate is what came between two readings of one process, in one life of it; a process
that was started again, or was not asked for a while, has none until it was asked twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from service.cluster_map.answer import State
from service.cluster_map.peers import Identity

MAX_APART_S = 15.0  # older readings say nothing about now
_MIN_APART_S = 0.2
_SLACK_S = 1.0  # by which an answer may be older than its arrival


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer, and when it came (monotonic)."""

    at: float
    state: State


class Rates:
    """The last reading of each process. Only the gathering adds some."""

    def __init__(self) -> None:
        self._last: dict[Identity, Reading] = {}

    def add(self, readings: Mapping[Identity, Reading]) -> dict[Identity, dict[str, float]]:
        """What each process counts, a second, since its last reading; empty where it has none.
        Processes that are not among `readings` are forgotten.
        """
        rates = {who: self._rates(who, reading) for who, reading in readings.items()}
        self._last = dict(readings)
        return rates

    def _rates(self, who: Identity, reading: Reading) -> dict[str, float]:
        last = self._last.get(who)
        if last is None:
            return {}
        apart_s = reading.at - last.at
        if not _MIN_APART_S <= apart_s <= MAX_APART_S or reading.state.up_s + _SLACK_S < apart_s:
            return {}
        before, now = last.state.totals, reading.state.totals
        if any(now[name] < before[name] for name in now.keys() & before.keys()):
            return {}  # it was started again
        return {name: (now[name] - before[name]) / apart_s for name in now.keys() & before.keys()}
