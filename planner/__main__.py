"""`python -m planner`: how many machines a number of viewers needs, and where the design ends.

`--check` holds the planner against three real runs on this machine; `--calibrate` measures its
constants anew. Both start clusters of their own and take a minute or two.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
import uvloop
from rich import box
from rich.console import Console
from rich.table import Table

from bench.child import BenchFailed
from planner import report
from planner.calibrate import calibrate
from planner.check import SCENARIOS, Compared, check
from planner.constants import Constants, load
from planner.demand import Demand
from planner.limits import limits_of
from planner.model import forecast
from planner.placement import HASH, ROUND_ROBIN
from planner.size import Machine, Plan, find_plan
from planner.sweep import Bite, bites, sweep

_MACHINE = Machine()
_SIZES = {"k": 1e3, "M": 1e6, "G": 1e9}


class _Amount(click.ParamType[float]):
    """A number such as 250000, 1e8, 20k or 100M."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        text = str(value).replace(",", "").replace("_", "")
        try:
            size = _SIZES.get(text[-1:], 0.0)
            return float(text[:-1]) * size if size else float(text)
        except ValueError:
            self.fail(f"{value!r} is no number", param, ctx)


AMOUNT = _Amount()


@click.command()
@click.option("--viewers", type=AMOUNT, default="100k", show_default=True)
@click.option("--videos", type=AMOUNT, default="1k", show_default=True)
@click.option("--comments", type=AMOUNT, default="1k", show_default=True, help="posts/s over all")
@click.option("--zipf", default=1.0, show_default=True, help="how uneven videos are; 0: alike")
@click.option("--stay", type=AMOUNT, default=600, show_default=True, help="seconds of a viewer")
@click.option("--placement", type=click.Choice([HASH, ROUND_ROBIN]), default=HASH)
@click.option("--nodes", type=AMOUNT, help="so many instead of as few as possible")
@click.option("--cores", default=_MACHINE.cores, show_default=True, help="of a machine")
@click.option("--memory", default=_MACHINE.memory_bytes / 1e9, show_default=True, help="its GB")
@click.option("--link", default=10.0, show_default=True, help="its Gbit/s")
@click.option("--viewers-per-node", type=AMOUNT, default=_MACHINE.viewers_per_node)
@click.option(
    "--used", default=_MACHINE.used, show_default=True, help="share of a core to plan for"
)
@click.option("--price", default=0.0, help="of a machine for an hour")
@click.option("--constants", type=click.Path(exists=True, path_type=Path), help="a JSON file")
@click.option("--compare/--no-compare", default=True, help="with the other placement")
@click.option("--sweep", "do_sweep", is_flag=True, help="from a thousandth on: where limits bite")
@click.option("--json", "as_json", is_flag=True, help="for machines")
@click.option("--check", "do_check", is_flag=True, help="against three real runs here")
@click.option("--calibrate", "do_calibrate", is_flag=True, help="measure; prints JSON")
@click.option("--show-constants", is_flag=True, help="every constant and where it comes from")
def main(**options: Any) -> None:
    """Plan for VIEWERS who watch VIDEOS and post COMMENTS a second."""
    console = Console(width=None if sys.stdout.isatty() else 150)
    try:
        constants = load(options["constants"]) if options["constants"] else Constants()
        if options["show_constants"]:
            console.print(_constants_table(constants))
        elif options["do_calibrate"]:
            click.echo(json.dumps(asdict(uvloop.run(calibrate())), indent=1))
        elif options["do_check"]:
            _check(console, constants, as_json=options["as_json"])
        else:
            _plan(console, constants, options)
    except (BenchFailed, ValueError) as exc:
        raise click.ClickException(str(exc)) from exc


def _plan(console: Console, constants: Constants, options: dict[str, Any]) -> None:
    demand = Demand(
        viewers=options["viewers"],
        videos=int(options["videos"]),
        comments_per_s=options["comments"],
        zipf=options["zipf"],
        stay_s=options["stay"],
    )
    machine = replace(
        _MACHINE,
        cores=options["cores"],
        memory_bytes=options["memory"] * 1e9,
        link_bytes_per_s=options["link"] * 1e9 / 8,
        viewers_per_node=options["viewers_per_node"],
        used=options["used"],
        price_per_hour=options["price"],
    )
    nodes = int(options["nodes"]) if options["nodes"] else None
    if options["do_sweep"]:
        plans = sweep(demand, machine, constants, options["placement"], nodes)
        _show_sweep(console, plans, bites(plans, constants), as_json=options["as_json"])
        return
    plan = find_plan(demand, machine, constants, options["placement"], nodes)
    other = None
    if options["compare"]:
        placement = ROUND_ROBIN if options["placement"] == HASH else HASH
        other = forecast(demand, replace(plan.forecast.shape, placement=placement), constants)
    limits = limits_of(plan, constants)
    if options["as_json"]:
        click.echo(report.as_json(plan, other, limits))
    else:
        console.print(report.as_text(plan, other, limits))


def _show_sweep(console: Console, plans: list[Plan], found: list[Bite], *, as_json: bool) -> None:
    if as_json:
        click.echo(report.sweep_as_json(plans, found))
    else:
        console.print(report.sweep_as_text(plans, found))


def _check(console: Console, constants: Constants, *, as_json: bool) -> None:
    compared: list[Compared] = []
    for scenario in SCENARIOS:
        with console.status(f"running: {scenario.name}"):
            compared += uvloop.run(check(constants, scenario))
    if as_json:
        click.echo(json.dumps([asdict(one) | {"error": one.error} for one in compared], indent=1))
    else:
        console.print(_compared_table(compared))


def _compared_table(compared: list[Compared]) -> Table:
    table = Table(box=box.SIMPLE)
    table.add_column("figure")
    for scenario in SCENARIOS:
        table.add_column(f"{scenario.name}: predicted, measured, error", justify="right")
    figures = dict.fromkeys(one.figure for one in compared)
    for figure in figures:
        row = [one for one in compared if one.figure == figure]
        table.add_row(
            figure, *(f"{one.predicted:,.1f}  {one.measured:,.1f}  {one.error:+.0%}" for one in row)
        )
    return table


def _constants_table(constants: Constants) -> Table:
    table = Table(box=box.SIMPLE)
    for name in ("constant", "value", "unit", "of what", "from"):
        table.add_column(name, overflow="fold")
    for constant, value, unit, what, source in constants.as_rows():
        table.add_row(constant, f"{value:.4g}", unit, what, source)
    return table


if __name__ == "__main__":
    main()
