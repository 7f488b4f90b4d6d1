"""The same demand a thousand times smaller, then ten times larger, step by step: at which size each
limit bites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log

from planner.constants import Constants
from planner.demand import Demand
from planner.limits import Limit, limits_of
from planner.size import Machine, Plan, find_plan

SIZES = (0.001, 0.01, 0.1, 1.0)


@dataclass(frozen=True, slots=True)
class Bite:
    """A limit, its share at each size, and the viewers at which it bites (None: never)."""

    limit: Limit
    shares: tuple[float, ...]
    viewers: float | None


def sweep(
    demand: Demand,
    machine: Machine,
    constants: Constants,
    placement: str,
    nodes: int | None = None,
) -> list[Plan]:
    """A plan for each of SIZES: viewers, videos, comments, and nodes if they are given, in
    proportion.
    """
    return [
        find_plan(
            replace(
                demand,
                viewers=demand.viewers * size,
                videos=max(round(demand.videos * size), 1),
                comments_per_s=demand.comments_per_s * size,
            ),
            machine,
            constants,
            placement,
            None if nodes is None else max(round(nodes * size), 1),
        )
        for size in SIZES
    ]


def bites(plans: Sequence[Plan], constants: Constants) -> list[Bite]:
    """Where each limit bites, the earliest first. Between two plans a share grows by a power."""
    viewers = [plan.forecast.demand.viewers for plan in plans]
    every = [{limit.what: limit for limit in limits_of(plan, constants)} for plan in plans]
    found = []
    for what, limit in every[-1].items():
        shares = tuple(limits[what].share for limits in every)
        found.append(Bite(limit, shares, crossing(viewers, shares)))
    return sorted(found, key=lambda bite: (bite.viewers or float("inf"), -bite.shares[-1]))


def crossing(viewers: Sequence[float], shares: Sequence[float]) -> float | None:
    """The viewers at which a share first comes to 1; None if it never does."""
    if shares[0] >= 1.0:
        return viewers[0]
    for low in range(len(shares) - 1):
        below, above = shares[low], shares[low + 1]
        if below < 1.0 <= above:
            if below <= 0.0:
                return viewers[low + 1]
            part = -log(below) / log(above / below)
            return exp(log(viewers[low]) + part * log(viewers[low + 1] / viewers[low]))
    return None
