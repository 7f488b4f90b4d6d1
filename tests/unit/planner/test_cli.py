"""The command, its constants, and what a check is made of."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from planner.check import SCENARIOS, Compared, comment_bytes, placed_by_rule
from planner.cli import main
from planner.constants import Constants, load
from planner.report import compared_as_json, compared_as_text
from planner.runs import viewers_of

SMALL = ["--viewers", "2k", "--videos", "50", "--comments", "5"]


def run(*args: str) -> str:
    result = CliRunner().invoke(main, args, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_prints_a_plan_beside_the_other_placement() -> None:
    output = run(*SMALL)
    for word in ("gateway", "dispatcher", "round_robin", "what to do next"):
        assert word in output


def test_the_command_prints_json() -> None:
    report = json.loads(run(*SMALL, "--json", "--price", "2"))
    assert report["demand"]["viewers"] == 2_000
    assert report["fits"] is True
    assert all(stage["cost_per_hour"] > 0 for stage in report["stages"])


def test_a_size_is_asked_for_unless_another_subcommand_is_named() -> None:
    assert run("size", *SMALL) == run(*SMALL)
    assert "Plan for a number of viewers" in run("--help")
    assert "limits, in the order in which they are reached" in run("sweep", *SMALL)
    bitten = json.loads(run("sweep", *SMALL, "--json"))
    assert bitten["plans"][-1]["viewers"] == 2_000


@pytest.mark.parametrize("args", [["--sweep"], ["sise"], ["constants", "--viewers", "1k"]])
def test_what_is_no_subcommand_or_option_is_refused(args: list[str]) -> None:
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 2
    assert "No such" in result.output


def test_runs_are_compared_in_a_column_each() -> None:
    runs = [Compared("first", "znodes", 11.0, 10.0), Compared("second", "znodes", 1.0, 2.0)]
    console = Console(width=150)
    with console.capture() as captured:
        console.print(compared_as_text(runs))
    for word in ("first: predicted, measured, error", "11.0  10.0  +10%", "1.0  2.0  -50%"):
        assert word in captured.get()
    assert [one["error"] for one in json.loads(compared_as_json(runs))] == pytest.approx(
        [0.1, -0.5]
    )


def test_constants_change_the_plan(tmp_path: Path) -> None:
    dear = tmp_path / "constants.json"
    dear.write_text(json.dumps({"node_write": 1e-3}))
    normal, changed = (
        json.loads(run(*SMALL, "--json", "--nodes", "2", *more))
        for more in ((), ("--constants", str(dear)))
    )
    assert changed["stages"][3]["cores"] > 2 * normal["stages"][3]["cores"]


@pytest.mark.parametrize("args", [["--viewers", "many"], ["--videos", "0"], ["--used", "2"]])
def test_what_cannot_be_planned_is_refused_in_words(args: list[str]) -> None:
    result = CliRunner().invoke(main, args)
    assert result.exit_code != 0
    assert "Error" in result.output
    assert "Traceback" not in result.output


def test_every_constant_says_what_it_is_and_where_it_comes_from() -> None:
    for name, value, unit, what, source in Constants().as_rows():
        assert value >= 0, name
        assert unit, name
        assert what, name
        assert source, name
    assert "node_write" in run("constants")


def test_constants_that_were_measured_are_read_back(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps(asdict(Constants(node_write=5e-5))))
    assert load(kept) == Constants(node_write=5e-5)


@pytest.mark.parametrize("text", ['{"node_wright": 1}', "[1]", '{"node_write": "x"}', "{"])
def test_a_file_that_holds_no_constants_is_refused(tmp_path: Path, text: str) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(text)
    with pytest.raises(ValueError, match=r"bad\.json|Expecting"):
        load(bad)


def test_an_error_is_relative_and_nothing_against_nothing_is_none() -> None:
    assert Compared("run", "figure", 11.0, 10.0).error == pytest.approx(0.1)
    assert Compared("run", "figure", 0.001, 0.0).error == 0.0
    assert Compared("run", "figure", 1.0, 0.0).error > 1.0


def test_runs_are_the_same_every_time_and_differ_from_one_another() -> None:
    assert len({scenario.shape for scenario in SCENARIOS}) == len(SCENARIOS) == 3
    for scenario in SCENARIOS:
        assert viewers_of(scenario.demand) == viewers_of(scenario.demand)
        assert 150 < comment_bytes(scenario.demand) < 300


def test_the_gateways_rule_places_every_viewer_of_a_run() -> None:
    for scenario in SCENARIOS:
        placed = placed_by_rule(scenario.shape, scenario.demand)
        assert [video_id for video_id, _ in placed] == viewers_of(scenario.demand)
        fullest = max(Counter(node for _, node in placed).values())
        assert fullest <= -(-len(placed) * 125 // 100) / scenario.shape.nodes + 1
