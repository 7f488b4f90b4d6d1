"""`python -m bench.topologies [--quick] [NAME...]`: what `make compare` runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console

from bench.child import unwind_on_sigterm
from bench.conditions import Conditions
from bench.report import RESULTS
from bench.revision import why_missing
from bench.topologies import pictures, report
from bench.topologies.plan import FULL, QUICK, VARIANTS, Variant, kinds_needed
from bench.topologies.results import Measured
from bench.topologies.run import measure_all
from cluster.errors import ClusterError
from cluster.progress import ConsoleProgress
from cluster.servers.install import ensure_packages

_WIDTH_OF_A_FILE = 160


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([variant.name for variant in VARIANTS]))
@click.option("--quick", is_flag=True, help="Small numbers: only to see that it works.")
@click.option("--repeats", default=1, show_default=True, type=click.IntRange(1, 20))
@click.option("--results", default=RESULTS, type=click.Path(path_type=Path), show_default=True)
def main(names: tuple[str, ...], quick: bool, repeats: int, results: Path) -> None:
    """Measure the topologies NAMES, or all, one after another; with repeats, all of them again.

    What was measured is kept; the exit status is 1 if one of them could not be measured.
    """
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    plan = QUICK if quick else FULL
    chosen = list(_choose(names, console))
    _install_for(chosen, console)
    began = Conditions.now()
    measured = measure_all(
        plan, chosen, lambda text: console.print(text, markup=False), repeats=repeats
    )
    conditions = {"machine": began.text_until_now(), "plan": plan.text}
    _keep(measured, conditions, results)
    console.print(report.table(measured), *conditions.values(), sep="\n")
    console.print(f"kept in {results}", *report.failures(measured), sep="\n", markup=False)
    sys.exit(1 if any(one.failure for one in measured) else 0)


def _choose(names: Sequence[str], console: Console) -> Iterator[Variant]:
    """Without names all that there are here: an older revision is not in every checkout."""
    for variant in VARIANTS:
        if names and variant.name not in names:
            continue
        if not names and variant.revision and (reason := why_missing(variant.revision)):
            console.print(f"{variant.label}: left out: {reason}", markup=False)
            continue
        yield variant


def _keep(measured: Sequence[Measured], conditions: Mapping[str, str], results: Path) -> None:
    results.mkdir(parents=True, exist_ok=True)
    (results / "topologies.md").write_text(report.markdown(measured))
    (results / "topologies.json").write_text(report.as_json(measured, conditions))
    for name, drawing in pictures.draw_all(measured).items():
        (results / f"topologies-{name}.svg").write_text(drawing)


def _install_for(chosen: Sequence[Variant], console: Console) -> None:
    """Where it cannot be done, what is there already is enough for some of them."""
    progress = ConsoleProgress(console)
    try:
        ensure_packages(kinds_needed(chosen), progress, maven=False)
    except ClusterError as exc:
        progress.note(f"some cannot be measured: {exc}")


if __name__ == "__main__":
    unwind_on_sigterm()
    main()
