"""`python -m bench [NAME...]`: measure, print one table, keep every value and the pictures."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from bench import soak
from bench.benchmarks import BENCHMARKS
from bench.child import BenchFailed, unwind_on_sigterm
from bench.conditions import Conditions
from bench.effort import Effort
from bench.figures import Finding, Row
from bench.memory import can_read_slabs
from bench.nchan import find_nginx
from bench.raw_server import find_compiler
from bench.report import RESULTS, keep, kept_rows, markdown, table
from bench.revision import OLD_REVISION, why_missing

_WIDTH_OF_A_FILE = 200


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(1, 20))
@click.option("--quick", is_flag=True, help="Small numbers: only to see that it runs.")
@click.option(
    "--peer",
    default=OLD_REVISION,
    help="The revision beside ours in links, crowded, delivery, idle, unmoderated; '' for none.",
)
@click.option("--ours", default="", help="A revision there in place of this working tree.")
@click.option("--favour", is_flag=True, help="Put them before all else on this machine (root).")
@click.option("--show", is_flag=True, help="Measure nothing: print what was kept, as Markdown.")
@click.option(
    "--results", default=RESULTS, show_default=True, type=click.Path(path_type=Path), help="Folder."
)
def main(names: tuple[str, ...], show: bool, results: Path, **effort: Any) -> None:
    """Measure NAMES, or everything.

    A target that is missed is told in the table; the exit status is 1 only if a figure could not be
    measured.
    """
    chosen = names or tuple(BENCHMARKS)
    if show:
        kept = [*chosen, soak.LONG] if soak.SHORT in chosen else chosen
        click.echo(markdown(row for name in kept for row in kept_rows(name, results)))
        return
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    asked = Effort(**effort)
    for line in _left_out(asked):
        console.print(line, markup=False)
    rows: list[Row] = []
    failed = False
    for name in chosen:
        findings, fault = _measure(name, asked, results, console)
        rows += [finding for finding in findings if isinstance(finding, Row)]
        if fault is not None:
            failed = True
            what = "not all measured" if findings else "not measured"
            console.print(f"{name}: {what}: {fault}", markup=False)
    console.print(table(rows))
    sys.exit(1 if failed else 0)


def _left_out(effort: Effort) -> Iterator[str]:
    """What this machine lacks, and what is not measured for that."""
    if find_compiler() is None:
        yield "no C compiler (cc, gcc) here: in place of the send loop in C stands one in Python"
    if find_nginx() is None:
        yield "no nginx with nchan here: nothing is compared with nchan"
    if not can_read_slabs():
        yield "only root can read /proc/slabinfo: the kernel's memory is left out"
    if effort.peer and (reason := why_missing(effort.peer)):
        yield f"nothing is compared with an older revision: {reason}"


def _measure(
    name: str, effort: Effort, results: Path, console: Console
) -> tuple[list[Finding], BenchFailed | None]:
    """What was found, and what stopped it. If nothing was, what the last run found stays kept."""
    before = Conditions.now()
    findings: list[Finding] = []
    fault: BenchFailed | None = None
    with console.status(f"measuring {name}, {effort.repeats} times"):
        try:
            findings.extend(BENCHMARKS[name](effort))  # what came before a fault is in it
        except BenchFailed as exc:
            fault = exc
    conditions = before.text_until_now()
    if findings:
        keep(name, findings, conditions, results, fault=str(fault or ""))
    console.print(f"{name}: {conditions}", highlight=False)
    return findings, fault


if __name__ == "__main__":
    unwind_on_sigterm()
    main()
