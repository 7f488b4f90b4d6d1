"""The report: one table for people, one JSON file for each benchmark, one SVG for each curve."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from bench.figures import Beside, Curve, Finding, Measured, On, Row, Target
from bench.svg import draw

RESULTS = Path(__file__).resolve().parent / "results"


def table(rows: Sequence[Row]) -> Table:
    """One line for each row. The ratio is ours divided by the limit or the peer."""
    shown = Table(box=box.SIMPLE, show_lines=False)
    shown.add_column("what", overflow="fold", ratio=3)
    shown.add_column("measured", justify="right")
    shown.add_column("limit", justify="right", overflow="fold", ratio=1)
    shown.add_column("peer", justify="right", overflow="fold", ratio=1)
    shown.add_column("ratio", justify="right")
    shown.add_column("target")
    shown.add_column("")
    for row in rows:
        shown.add_row(*_cells(row))
    return shown


def markdown(rows: Iterable[Row]) -> str:
    """The same table for docs/performance.md."""
    lines = ["| what | measured | limit | peer | ratio | target | |", "| --- " * 7 + "|"]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in rows]
    return "\n".join(lines)


def verdict(row: Row) -> str:
    """Either "hit" or "MISSED", nothing if there is no target."""
    return "" if row.met is None else "hit" if row.met else "MISSED"


def keep(
    name: str, findings: Sequence[Finding], conditions: str, folder: Path, *, fault: str = ""
) -> None:
    """Write the findings of one benchmark: every single value, and the pictures. `fault`: what kept
    the rest from being measured.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = [_row_as_dict(row) for row in findings if isinstance(row, Row)]
    curves = [curve for curve in findings if isinstance(curve, Curve)]
    report: dict[str, Any] = {"conditions": conditions, "fault": fault, "rows": rows}
    report["curves"] = [_curve_as_dict(curve) for curve in curves]
    (folder / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n")
    for curve in curves:
        (folder / f"{curve.name}.svg").write_text(draw(curve))


def kept_rows(name: str, folder: Path) -> list[Row]:
    """The rows that a benchmark's last run left; none if it was never run."""
    path = folder / f"{name}.json"
    if not path.exists():
        return []
    return [_row_from_dict(entry) for entry in json.loads(path.read_text())["rows"]]


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.figure,
        row.ours.text,
        _beside_text(row.limit),
        _beside_text(row.peer),
        "" if row.ratio is None else row.ratio.text,
        "" if row.target is None else row.target.text,
        verdict(row),
    )


def _beside_text(beside: Beside | None) -> str:
    return "" if beside is None else f"{beside.name}: {beside.value.text}"


def _row_as_dict(row: Row) -> dict[str, Any]:
    return {
        "figure": row.figure,
        "ours": _measured_as_dict(row.ours),
        "limit": _beside_as_dict(row.limit),
        "peer": _beside_as_dict(row.peer),
        "ratio": row.ratio.values if row.ratio else None,
        "target": row.target and _target_as_dict(row.target),
        "met": row.met,
    }


def _row_from_dict(entry: dict[str, Any]) -> Row:
    target = entry["target"]
    return Row(
        entry["figure"],
        _measured_from_dict(entry["ours"]),
        _beside_from_dict(entry["limit"]),
        _beside_from_dict(entry["peer"]),
        target and Target(target["bound"], target["unit"], target["at_least"], On(target["on"])),
    )


def _target_as_dict(target: Target) -> dict[str, Any]:
    return {
        "bound": target.bound,
        "unit": target.unit,
        "at_least": target.at_least,
        "on": target.on,
        "text": target.text,
    }


def _measured_as_dict(value: Measured) -> dict[str, Any]:
    return {"values": value.values, "unit": value.unit, "digits": value.digits}


def _measured_from_dict(entry: dict[str, Any]) -> Measured:
    return Measured(tuple(entry["values"]), entry["unit"], entry["digits"])


def _beside_as_dict(beside: Beside | None) -> dict[str, Any] | None:
    return {"name": beside.name, **_measured_as_dict(beside.value)} if beside else None


def _beside_from_dict(entry: dict[str, Any] | None) -> Beside | None:
    return Beside(entry["name"], _measured_from_dict(entry)) if entry else None


def _curve_as_dict(curve: Curve) -> dict[str, Any]:
    lines = {line.name: line.points for line in curve.lines}
    return {"name": curve.name, "x": curve.x_label, "y": curve.y_label, "lines": lines}
