"""Figures: values measured several times, the rows of the report, the lines of its pictures.

Invariants: no value stands alone. A row carries a limit (what the machine allows) or a peer
(another program that does the same), measured in the same run, as often and in turn with ours, so
that other work on the machine hits both. The ratio is always ours divided by the other, pair by
pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median


@dataclass(frozen=True, slots=True)
class Measured:
    """One value per repeat, in the order measured. `digits` after the point when shown."""

    values: tuple[float, ...]
    unit: str
    digits: int = 1

    @property
    def median(self) -> float:
        """The value that stands for all. Raises statistics.StatisticsError if there is none."""
        return median(self.values)

    @property
    def text(self) -> str:
        """Median, unit and, if there are several values, the lowest and the highest."""
        shown = f"{self._show(self.median)} {self.unit}".rstrip()
        if len(self.values) == 1:
            return shown
        return f"{shown} ({self._show(min(self.values))} to {self._show(max(self.values))})"

    def _show(self, value: float) -> str:
        return f"{value:,.{self.digits}f}"


class On(StrEnum):
    """What a target is judged on."""

    OURS = "ours"
    LIMIT = "limit"
    PEER = "peer"


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure, or its ratio to the limit or the peer, must be: at most `bound` or, if
    `at_least`, not less. Judged by the median.
    """

    bound: float
    unit: str = ""
    at_least: bool = False
    on: On = On.OURS

    @property
    def text(self) -> str:
        """As a person would say it."""
        how = "at least" if self.at_least else "at most"
        what = f"{self.bound:,g} {self.unit}".rstrip()
        return f"{how} {what}" if self.on is On.OURS else f"{how} {what} the {self.on}"

    def is_met(self, judged: Measured) -> bool:
        """Whether the median is within target."""
        return judged.median >= self.bound if self.at_least else judged.median <= self.bound


@dataclass(frozen=True, slots=True)
class Beside:
    """What a figure is held against. `value` must have been measured as often as the figure."""

    name: str
    value: Measured


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report: a figure and the limit or the peer beside it."""

    figure: str
    ours: Measured
    limit: Beside | None = None
    peer: Beside | None = None
    target: Target | None = None

    @property
    def ratio(self) -> Measured | None:
        """Ours divided by the one that the target names, else by the one that is there."""
        other = self.peer if self.target and self.target.on is On.PEER else self.limit or self.peer
        return None if other is None else ratio(self.ours, other.value)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None if there is none."""
        if self.target is None:
            return None
        judged = self.ours if self.target.on is On.OURS else self.ratio
        return judged is not None and self.target.is_met(judged)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a picture: its name and its points, x ascending."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """One picture. `name` is also its file's; what lies above `y_max` is cut off there."""

    name: str
    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    y_max: float | None = None


Finding = Row | Curve


def measured(values: Sequence[float], unit: str, digits: int = 1) -> Measured:
    """Values in the unit in which they are shown."""
    return Measured(tuple(values), unit, digits)


def ratio(above: Measured, below: Measured) -> Measured:
    """`above` / `below`, pair by pair. Both must have been measured equally often."""
    pairs = zip(above.values, below.values, strict=True)
    return Measured(tuple(a / b if b else 0.0 for a, b in pairs), "", 2)


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile. Raises ValueError without values."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)  # rounded up
    return ordered[max(int(rank) - 1, 0)]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the straight line with the least squares through the points; 0 for fewer than two."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / max(count, 1)
    mean_y = sum(y for _, y in points) / max(count, 1)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if not spread:
        return 0.0
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
