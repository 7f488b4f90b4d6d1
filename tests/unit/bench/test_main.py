"""`python -m bench`: what is kept and told when not everything could be measured."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench import soak
from bench.__main__ import main
from bench.benchmarks import BENCHMARKS
from bench.child import BenchFailed
from bench.effort import Effort
from bench.figures import Finding, Row, measured
from bench.report import keep, kept_rows

ROW = Row("CPU per delivery", measured([12.0], "us"))


def half(_effort: Effort) -> Iterator[Finding]:
    yield ROW
    raise BenchFailed("nobody answers")


def nothing(_effort: Effort) -> Iterator[Finding]:
    raise BenchFailed("nobody answers")
    yield


def run(folder: Path, *args: str) -> Result:
    return CliRunner().invoke(main, [*args, "--results", str(folder)])


def test_what_was_measured_before_a_fault_is_told_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BENCHMARKS, "rooms", half)
    done = run(tmp_path, "rooms")
    assert done.exit_code == 1
    assert "rooms: not all measured: nobody answers" in done.output
    assert "CPU per delivery" in done.output
    assert kept_rows("rooms", tmp_path) == [ROW]
    assert json.loads((tmp_path / "rooms.json").read_text())["fault"] == "nobody answers"


def test_a_benchmark_that_found_nothing_leaves_what_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep("rooms", [ROW], "", tmp_path)
    monkeypatch.setitem(BENCHMARKS, "rooms", nothing)
    done = run(tmp_path, "rooms")
    assert done.exit_code == 1
    assert "rooms: not measured: nobody answers" in done.output
    assert kept_rows("rooms", tmp_path) == [ROW]


def test_a_fault_does_not_stop_the_other_benchmarks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BENCHMARKS, "rooms", nothing)
    monkeypatch.setitem(BENCHMARKS, "scale", lambda _effort: iter([ROW]))
    assert run(tmp_path, "rooms", "scale").exit_code == 1
    assert kept_rows("scale", tmp_path) == [ROW]


def test_the_long_soak_is_shown_after_the_short_one(tmp_path: Path) -> None:
    for name in (soak.SHORT, soak.LONG):
        keep(name, [Row(name, measured([1.0], "s"))], "", tmp_path)
    shown = run(tmp_path, "--show").output.splitlines()
    assert [line.split(" | ")[0] for line in shown[2:]] == ["| soak", "| soak-long"]
