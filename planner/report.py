"""What the planner says, as tables for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table

from planner.check import Compared
from planner.constants import Constants
from planner.limits import Limit
from planner.model import Forecast
from planner.placement import imbalance
from planner.size import Plan
from planner.sweep import Bite

_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def number(value: float) -> str:
    """Three digits, and a prefix if need be."""
    for size, prefix in _PREFIXES:
        if abs(value) >= size:
            return f"{value / size:.3g} {prefix}"
    return f"{value:.3g}"


def as_text(plan: Plan, other: Forecast | None, limits: Sequence[Limit]) -> RenderableType:
    """Three tables: processes, what happens (beside the `other` placement), limits."""
    return Group(
        _stages(plan), _links(plan.forecast), _figures(plan.forecast, other), _limits(limits)
    )


def as_json(plan: Plan, other: Forecast | None, limits: Sequence[Limit]) -> str:
    """All of it; what has one value for each node is left out."""
    report = {
        "demand": asdict(plan.forecast.demand),
        "machine": asdict(plan.machine),
        "fits": plan.fits,
        "shape": asdict(plan.forecast.shape),
        "stages": [
            asdict(stage)
            | {"machines": plan.machines(name), "cost_per_hour": plan.cost_per_hour(name)}
            for name, stage in plan.forecast.stages.items()
        ],
        "links": [asdict(link) for link in plan.forecast.links.values()],
        "figures": figures_of(plan.forecast),
        "other_placement": figures_of(other) if other else None,
        "limits": [asdict(limit) | {"share": limit.share} for limit in limits],
    }
    return json.dumps(report, indent=1)


def sweep_as_text(plans: Sequence[Plan], found: Sequence[Bite]) -> RenderableType:
    """What grows how, and where each limit bites."""
    sizes = [number(plan.forecast.demand.viewers) for plan in plans]
    table = _table("by viewers", "figure", *sizes)
    columns = [figures_of(plan.forecast) for plan in plans]
    for name in columns[0]:
        if name != "placement":
            table.add_row(name.replace("_", " "), *(number(float(one[name])) for one in columns))
    for stage in plans[0].forecast.stages:
        cores = [number(plan.forecast.stages[stage].cores) for plan in plans]
        table.add_row(f"{stage}: cores", *cores)
    limits = _table("limits, in the order in which they are reached", "limit", *sizes, "at viewers")
    limits.add_column("what to do next", overflow="fold")
    for bite in found:
        at = "-" if bite.viewers is None else number(bite.viewers)
        shares = (f"{share:.1%}" for share in bite.shares)
        limits.add_row(bite.limit.what, *shares, at, bite.limit.after)
    return Group(table, limits)


def sweep_as_json(plans: Sequence[Plan], found: Sequence[Bite]) -> str:
    """The same for programs."""
    report = {
        "plans": [
            figures_of(plan.forecast)
            | {
                "viewers": plan.forecast.demand.viewers,
                "cores": {name: s.cores for name, s in plan.forecast.stages.items()},
            }
            for plan in plans
        ],
        "limits": [asdict(bite) for bite in found],
    }
    return json.dumps(report, indent=1)


def compared_as_text(compared: Sequence[Compared]) -> RenderableType:
    """One line for each figure, with three columns for each run."""
    runs = dict.fromkeys(one.run for one in compared)
    columns = (f"{run}: predicted, measured, error" for run in runs)
    table = _table("predicted and measured", "figure", *columns)
    for figure in dict.fromkeys(one.figure for one in compared):
        row = [one for one in compared if one.figure == figure]
        table.add_row(
            figure, *(f"{one.predicted:,.1f}  {one.measured:,.1f}  {one.error:+.0%}" for one in row)
        )
    return table


def compared_as_json(compared: Sequence[Compared]) -> str:
    """The same for programs."""
    return json.dumps([asdict(one) | {"error": one.error} for one in compared], indent=1)


def constants_as_text(constants: Constants) -> RenderableType:
    """One line for each."""
    table = Table(box=box.SIMPLE)
    for name in ("constant", "value", "unit", "of what", "from"):
        table.add_column(name, overflow="fold")
    for constant, value, unit, what, source in constants.as_rows():
        table.add_row(constant, f"{value:.4g}", unit, what, source)
    return table


def figures_of(found: Forecast) -> dict[str, Any]:
    """What happens, by name; rates per second."""
    placement = found.placement
    return {
        "placement": found.shape.placement,
        "nodes": found.shape.nodes,
        **asdict(found.rates),
        "forwards_per_comment": placement.copies_per_comment,
        "nodes_of_the_widest_video": placement.widest,
        "imbalance_of_viewers": placement.imbalance,
        "imbalance_of_deliveries": imbalance(placement.loads.deliveries),
        "imbalance_of_cpu": imbalance(found.node_cores),
        "videos_of_the_fullest_node": max(placement.loads.registrations),
        "writers_into_a_dispatcher": found.shape.writers,
        "comments_into_a_dispatcher": found.rates.comments / found.shape.dispatchers,
        "forwards_out_of_a_dispatcher": found.rates.forwards / found.shape.dispatchers,
        "dispatchers_into_a_node": found.shape.dispatchers,
    }


def _stages(plan: Plan) -> Table:
    fits = "" if plan.fits else " (does not fit: see the limits)"
    table = _table(f"processes{fits}", "stage", "processes", "cores", "busiest", "memory")
    table.add_column("machines", justify="right")
    table.add_column("cost/h", justify="right")
    for name, stage in plan.forecast.stages.items():
        table.add_row(
            name,
            f"{stage.processes:,}",
            number(stage.cores),
            number(stage.busiest),
            f"{number(stage.memory_bytes)}B",
            f"{plan.machines(name):,}",
            number(plan.cost_per_hour(name)),
        )
    return table


def _links(found: Forecast) -> Table:
    table = _table("links", "link", "messages/s", "bytes/s")
    for link in found.links.values():
        table.add_row(link.name, number(link.messages), f"{number(link.bytes)}B")
    return table


def _figures(found: Forecast, other: Forecast | None) -> Table:
    table = _table("placement and rates per second", "figure", found.shape.placement)
    columns = [figures_of(found)]
    if other is not None:
        table.add_column(other.shape.placement, justify="right")
        columns.append(figures_of(other))
    for name in columns[0]:
        if name != "placement":
            shown = [number(float(column[name])) for column in columns]
            table.add_row(name.replace("_", " "), *shown)
    return table


def _limits(limits: Sequence[Limit]) -> Table:
    table = _table("limits, the nearest first", "limit", "now", "at most", "share")
    table.add_column("what to do next", overflow="fold")
    for limit in limits:
        style = "bold red" if limit.share > 1 else ""
        table.add_row(
            f"{limit.what} ({limit.unit})",
            number(limit.now),
            number(limit.bites_at),
            f"{limit.share:.0%}",
            limit.after,
            style=style,
        )
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(name, justify="right")
    return table
