"""What each kind of work costs, from runs that mix them: least squares without negative costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_ROUNDS = 20_000
_STILL = 1e-12


def fit(work: Sequence[Mapping[str, float]], spent: Sequence[float]) -> dict[str, float]:
    """Costs by kind of work, so that each run's work adds up to what was spent on it, as nearly as
    can be; a run counts by the root of what was spent on it, as noise does. Raises ValueError
    without runs.

    Coordinate descent: one cost after another is set to its best value, or to nothing.
    """
    if not work or len(work) != len(spent):
        raise ValueError("as many runs as sums, and at least one")
    kinds = sorted({kind for run in work for kind in run})
    weights = [max(total, 1e-3) ** -0.5 for total in spent]
    columns = {
        kind: [run.get(kind, 0.0) * weight for run, weight in zip(work, weights, strict=True)]
        for kind in kinds
    }
    left = [total * weight for total, weight in zip(spent, weights, strict=True)]
    costs = dict.fromkeys(kinds, 0.0)
    for _ in range(_ROUNDS):
        moved = 0.0
        for kind, column in columns.items():
            square = sum(value * value for value in column)
            if not square:
                continue
            step = sum(c * r for c, r in zip(column, left, strict=True)) / square
            step = max(step, -costs[kind])
            costs[kind] += step
            left = [r - step * c for c, r in zip(column, left, strict=True)]
            moved = max(moved, abs(step) * max(map(abs, column)))
        if moved < _STILL:
            break
    return costs
