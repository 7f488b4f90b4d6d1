"""The report for people: one table, each figure beside its limit or peer."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from bench.figures import Row


def table(rows: Sequence[Row]) -> Table:
    """One line for each row. The ratio is taken so that 1 is as good as the limit or peer."""
    shown = Table(box=box.SIMPLE, show_lines=False)
    shown.add_column("figure", overflow="fold", ratio=3)
    shown.add_column("measured", justify="right")
    shown.add_column("limit or peer", overflow="fold", ratio=2)
    shown.add_column("its value", justify="right")
    shown.add_column("ratio", justify="right")
    shown.add_column("reach")
    for row in rows:
        shown.add_row(
            row.figure,
            row.ours.text,
            row.limit_name,
            row.limit.text,
            row.ratio.text,
            verdict(row),
        )
    return shown


def verdict(row: Row) -> str:
    """The reach and whether it is met; "no limit set" if there is none."""
    if row.reach is None:
        return "no limit set"
    return f"{'met' if row.met else 'MISSED'}: {row.reach.text}"
