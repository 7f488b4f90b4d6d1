"""`python -m bench [NAME...]`: measure, print one table, keep every value and the pictures."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from bench.benchmarks import BENCHMARKS
from bench.child import BenchFailed
from bench.effort import Effort
from bench.figures import Finding, Row
from bench.raw_server import find_compiler
from bench.report import RESULTS, keep, kept_rows, markdown, table
from bench.surroundings import Surroundings

_WIDTH_OF_A_FILE = 200


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(1, 20))
@click.option("--quick", is_flag=True, help="Small numbers: only to see that it runs.")
@click.option("--show", is_flag=True, help="Measure nothing: print what was kept, as Markdown.")
@click.option(
    "--results", default=RESULTS, show_default=True, type=click.Path(path_type=Path), help="Folder."
)
def main(names: tuple[str, ...], repeats: int, quick: bool, show: bool, results: Path) -> None:
    """Measure NAMES, or everything.

    A reach that is missed is told in the table; the exit status is 1 only if a figure could not be
    measured.
    """
    chosen = names or tuple(BENCHMARKS)
    if show:
        click.echo(markdown(row for name in chosen for row in kept_rows(name, results)))
        return
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    if find_compiler() is None:
        console.print("no C compiler (cc, gcc) here: the send loop in C is left out")
    rows: list[Row] = []
    failed = False
    for name in chosen:
        try:
            findings = _measure(name, Effort(repeats, quick), results, console)
        except BenchFailed as exc:
            failed = True
            console.print(f"{name}: not measured: {exc}", markup=False)
            continue
        rows += [finding for finding in findings if isinstance(finding, Row)]
    console.print(table(rows))
    sys.exit(1 if failed else 0)


def _measure(name: str, effort: Effort, results: Path, console: Console) -> list[Finding]:
    before = Surroundings.now()
    with console.status(f"measuring {name}, {effort.repeats} times"):
        findings = list(BENCHMARKS[name](effort))
    surroundings = before.text_until_now()
    keep(name, findings, surroundings, results)
    console.print(f"{name}: {surroundings}", highlight=False)
    return findings


if __name__ == "__main__":
    main()
