"""Figures: values measured several times, and the rows of the report.

Law: no value stands alone. Each row carries a limit or a peer that was measured in the same run, as
often and in turn with ours, so that other work on the machine hits both; the ratio is taken pair by
pair.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results" / "latest.json"


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


@dataclass(frozen=True, slots=True)
class Reach:
    """What a figure must be: at most `limit` or, if `at_least`, not less. Judged by the median."""

    limit: float
    unit: str = ""
    at_least: bool = False

    @property
    def text(self) -> str:
        """As a person would say it."""
        how = "at least" if self.at_least else "at most"
        return f"{how} {self.limit:g} {self.unit}".rstrip()

    def is_met(self, measured: Measured) -> bool:
        """Whether the median is within reach."""
        return measured.median >= self.limit if self.at_least else measured.median <= self.limit


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report. The reach is judged on the ratio if `on_ratio`, else on ours."""

    figure: str
    ours: Measured
    limit_name: str
    limit: Measured
    ratio: Measured
    reach: Reach | None = None
    on_ratio: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the reach is met; None if there is none."""
        if self.reach is None:
            return None
        return self.reach.is_met(self.ratio if self.on_ratio else self.ours)


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


def as_json(rows: Sequence[Row], surroundings: dict[str, Any]) -> str:
    """The report for machines; every single value is in it."""
    report = surroundings | {"rows": [_row_as_dict(row) for row in rows]}
    return json.dumps(report, indent=1) + "\n"


def _row_as_dict(row: Row) -> dict[str, Any]:
    return {
        "figure": row.figure,
        "unit": row.ours.unit,
        "ours": row.ours.values,
        "limit_name": row.limit_name,
        "limit_unit": row.limit.unit,
        "limit": row.limit.values,
        "ratio": row.ratio.values,
        "reach": row.reach.text if row.reach else None,
        "met": row.met,
    }
