"""Figures and verdicts: what the report says follows from the values."""

from __future__ import annotations

import json

import pytest

from bench.figures import Reach, Row, as_json, measured, percentile, ratio
from bench.report import table, verdict

OURS = measured([12.0, 10.0, 11.0], "us")
LIMIT = measured([9.0, 9.0, 8.8], "us")


def row(**changes: object) -> Row:
    plain = {
        "figure": "CPU per delivery",
        "ours": OURS,
        "limit_name": "send loop",
        "limit": LIMIT,
        "ratio": ratio(LIMIT, OURS),
    }
    return Row(**(plain | changes))


def test_the_median_stands_for_all_and_the_spread_is_shown() -> None:
    assert OURS.text == "11.0 us (10.0 to 12.0)"


def test_a_single_value_has_no_spread() -> None:
    assert measured([1547.2], "bytes", 0).text == "1,547 bytes"


def test_a_ratio_is_taken_pair_by_pair() -> None:
    assert ratio(LIMIT, OURS).values == pytest.approx((0.75, 0.9, 0.8))


def test_a_ratio_of_unequal_repeats_is_refused() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        ratio(OURS, measured([1.0], "us"))


def test_a_reach_on_the_ratio_is_judged_by_its_median() -> None:
    assert row(reach=Reach(0.75, at_least=True), on_ratio=True).met is True
    assert row(reach=Reach(0.85, at_least=True), on_ratio=True).met is False


def test_a_reach_on_the_value_is_an_upper_bound() -> None:
    assert row(reach=Reach(11.0, "us")).met is True
    assert row(reach=Reach(10.9, "us")).met is False


def test_a_missed_reach_is_said_aloud() -> None:
    assert verdict(row(reach=Reach(10.0, "us"))) == "MISSED: at most 10 us"
    assert verdict(row(reach=Reach(20.0, "us"))) == "met: at most 20 us"
    assert verdict(row()) == "no limit set"


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (99, 99), (100, 100), (1, 1)])
def test_percentiles_are_values_that_were_measured(percent: float, expected: float) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == expected


def test_the_percentile_of_few_values_never_hides_the_worst() -> None:
    assert percentile([1.0, 2.0, 30.0], 99) == 30.0


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_the_kept_report_has_every_value() -> None:
    report = json.loads(as_json([row(reach=Reach(10, "us"))], {"surroundings": "2 cores"}))
    assert report["surroundings"] == "2 cores"
    kept = report["rows"][0]
    assert kept["ours"] == [12.0, 10.0, 11.0]
    assert kept["limit"] == [9.0, 9.0, 8.8]
    assert kept["met"] is False


def test_the_table_has_a_line_for_each_row() -> None:
    assert table([row(), row()]).row_count == 2
