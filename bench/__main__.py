"""`python -m bench [fanout] [memory] [latency]`: measure, print one table, keep every value."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping

import click
from rich.console import Console

from bench import fanout, latency, memory
from bench.child import BenchFailed
from bench.figures import RESULTS, Row, as_json
from bench.raw_server import find_compiler
from bench.report import table

Measure = Callable[[int], Iterator[Row]]

BENCHMARKS: Mapping[str, Measure] = {
    "fanout": fanout.measure,
    "memory": memory.measure,
    "latency": latency.measure,
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(1, 20))
def main(names: tuple[str, ...], repeats: int) -> None:
    """Measure NAMES, or everything.

    A reach that is missed is told in the table; the exit status is 1 only if a figure could not be
    measured.
    """
    console = Console()
    rows: list[Row] = []
    failed = False
    for name in names or BENCHMARKS:
        try:
            with console.status(f"measuring {name}, {repeats} times"):
                rows += BENCHMARKS[name](repeats)
        except BenchFailed as exc:
            failed = True
            console.print(f"{name}: not measured: {exc}", markup=False)
    if find_compiler() is None:
        console.print("no C compiler (cc, gcc) here: the send loop in C was left out")
    console.print(table(rows), _surroundings_text(), sep="\n")
    _keep(rows)
    sys.exit(1 if failed else 0)


def _keep(rows: list[Row]) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(as_json(rows, {"surroundings": _surroundings_text()}))


def _surroundings_text() -> str:
    usable = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    return (
        f"{usable} cores, load {load:.1f}, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}; each value: median (lowest to highest)"
    )


if __name__ == "__main__":
    main()
