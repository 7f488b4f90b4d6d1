"""The planner's command. `size` is the default subcommand.

`check` and `calibrate` start clusters of their own and take a minute or two.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
import uvloop
from rich.console import Console

from bench.child import BenchFailed
from planner import report
from planner.calibrate import calibrate as measure_constants
from planner.check import SCENARIOS, Compared
from planner.check import check as check_scenario
from planner.constants import Constants, load
from planner.demand import Demand
from planner.limits import limits_of
from planner.model import forecast
from planner.placement import HASH, ROUND_ROBIN
from planner.size import Machine, find_plan
from planner.sweep import bites
from planner.sweep import sweep as plan_each_size

_MACHINE = Machine()
_UNITS = {"k": 1e3, "M": 1e6, "G": 1e9}
_WIDTH_OF_A_FILE = 150


class _Amount(click.ParamType[float]):
    """A number such as 250000, 1e8, 20k or 100M."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        text = str(value).replace(",", "").replace("_", "")
        try:
            unit = _UNITS.get(text[-1:], 0.0)
            return float(text[:-1]) * unit if unit else float(text)
        except ValueError:
            self.fail(f"{value!r} is not a number", param, ctx)


class _Commands(click.Group):
    """`size` is the default: its options may stand where a subcommand would."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `size` first where no subcommand is."""
        named = args and (args[0] in self.commands or args[0] in ctx.help_option_names)
        is_option = not args or args[0].startswith("-")
        return super().parse_args(ctx, args if named or not is_option else ["size", *args])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what cannot be planned or measured is one line for a person."""
        try:
            return super().invoke(ctx)
        except (BenchFailed, ValueError) as exc:
            raise click.ClickException(str(exc)) from exc


def _several(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same options for more than one command, in this order."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_AMOUNT = _Amount()
_constants_file = click.option(
    "--constants",
    "constants_file",
    type=click.Path(exists=True, path_type=Path),
    help="a JSON file, as `calibrate` prints it",
)
_json = click.option("--json", "as_json", is_flag=True, help="print JSON")
_demand_and_machine = _several(
    click.option("--viewers", type=_AMOUNT, default="100k", show_default=True),
    click.option("--videos", type=_AMOUNT, default="1k", show_default=True),
    click.option(
        "--comments", type=_AMOUNT, default="1k", show_default=True, help="posts/s over all videos"
    ),
    click.option(
        "--zipf", default=1.0, show_default=True, help="Zipf exponent of videos; 0: all alike"
    ),
    click.option(
        "--stay", type=_AMOUNT, default=600, show_default=True, help="seconds that a viewer stays"
    ),
    click.option("--placement", type=click.Choice([HASH, ROUND_ROBIN]), default=HASH),
    click.option("--nodes", type=_AMOUNT, help="number of nodes; else as few as possible"),
    click.option("--cores", default=_MACHINE.cores, show_default=True, help="cores of a machine"),
    click.option(
        "--memory", default=_MACHINE.memory_bytes / 1e9, show_default=True, help="GB of a machine"
    ),
    click.option("--link", default=10.0, show_default=True, help="Gbit/s of a machine"),
    click.option("--viewers-per-node", type=_AMOUNT, default=_MACHINE.viewers_per_node),
    click.option(
        "--used", default=_MACHINE.used, show_default=True, help="share of a core to plan for"
    ),
    click.option("--price", default=0.0, help="price of a machine per hour"),
    _constants_file,
    _json,
)


@click.group(cls=_Commands)
def main() -> None:
    """Plan for a number of viewers. Without a subcommand: `size`."""


@main.command()
@_demand_and_machine
@click.option("--compare/--no-compare", default=True, help="with the other placement too")
def size(as_json: bool, compare: bool, **options: Any) -> None:
    """How many machines are needed for these viewers, videos and comments (default)."""
    constants, placement = _constants(options["constants_file"]), options["placement"]
    demand = _demand(options)
    plan = find_plan(demand, _machine(options), constants, placement, _nodes(options))
    other = None
    if compare:
        otherwise = ROUND_ROBIN if placement == HASH else HASH
        other = forecast(demand, replace(plan.forecast.shape, placement=otherwise), constants)
    limits = limits_of(plan, constants)
    if as_json:
        click.echo(report.as_json(plan, other, limits))
    else:
        _console().print(report.as_text(plan, other, limits))


@main.command()
@_demand_and_machine
def sweep(as_json: bool, **options: Any) -> None:
    """Which limits are reached at a thousandth, a hundredth, a tenth and all of the demand."""
    constants = _constants(options["constants_file"])
    demand, machine = _demand(options), _machine(options)
    plans = plan_each_size(demand, machine, constants, options["placement"], _nodes(options))
    found = bites(plans, constants)
    if as_json:
        click.echo(report.sweep_as_json(plans, found))
    else:
        _console().print(report.sweep_as_text(plans, found))


@main.command()
@_constants_file
@_json
def check(constants_file: Path | None, as_json: bool) -> None:
    """Compare predictions with three real runs on this machine."""
    constants, console = _constants(constants_file), _console()
    compared: list[Compared] = []
    for scenario in SCENARIOS:
        with console.status(f"running: {scenario.name}"):
            compared += uvloop.run(check_scenario(constants, scenario))
    if as_json:
        click.echo(report.compared_as_json(compared))
    else:
        console.print(report.compared_as_text(compared))


@main.command()
def calibrate() -> None:
    """Measure the constants on this machine, and print them as JSON."""
    click.echo(json.dumps(asdict(uvloop.run(measure_constants())), indent=1))


@main.command("constants")
@_constants_file
def show_constants(constants_file: Path | None) -> None:
    """Show every constant, and where it comes from."""
    _console().print(report.constants_as_text(_constants(constants_file)))


def _demand(options: dict[str, Any]) -> Demand:
    return Demand(
        viewers=options["viewers"],
        videos=int(options["videos"]),
        comments_per_s=options["comments"],
        zipf=options["zipf"],
        stay_s=options["stay"],
    )


def _machine(options: dict[str, Any]) -> Machine:
    return replace(
        _MACHINE,
        cores=options["cores"],
        memory_bytes=options["memory"] * 1e9,
        link_bytes_per_s=options["link"] * 1e9 / 8,
        viewers_per_node=options["viewers_per_node"],
        used=options["used"],
        price_per_hour=options["price"],
    )


def _nodes(options: dict[str, Any]) -> int | None:
    return int(options["nodes"]) if options["nodes"] else None


def _constants(file: Path | None) -> Constants:
    return load(file) if file else Constants()


def _console() -> Console:
    """As wide as the window; a file has room for every column."""
    return Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
