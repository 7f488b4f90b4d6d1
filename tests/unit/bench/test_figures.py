"""Figures and verdicts: what the report says follows from the values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.figures import Beside, On, Row, Target, measured, percentile, ratio, slope

OURS = measured([12.0, 10.0, 11.0], "us")
LIMIT = Beside("send loop", measured([10.0, 10.0, 10.0], "us"))
PEER = Beside("nchan", measured([20.0, 20.0, 20.0], "us"))
ROW = Row("CPU per delivery", OURS, limit=LIMIT)


def test_the_median_stands_for_all_and_the_spread_is_shown() -> None:
    assert OURS.text == "11.0 us (10.0 to 12.0)"


def test_a_single_value_has_no_spread() -> None:
    assert measured([1547.2], "bytes", 0).text == "1,547 bytes"


def test_a_ratio_is_ours_divided_by_the_other_pair_by_pair() -> None:
    assert ROW.ratio is not None
    assert ROW.ratio.values == pytest.approx((1.2, 1.0, 1.1))


def test_the_ratio_is_to_what_the_target_names() -> None:
    both = replace(ROW, peer=PEER, target=Target(0.9, "times", on=On.PEER))
    assert both.ratio is not None
    assert both.ratio.median == pytest.approx(0.55)


def test_a_figure_with_nothing_beside_it_has_no_ratio() -> None:
    assert Row("lost", OURS).ratio is None


def test_a_ratio_of_unequal_repeats_is_refused() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        ratio(OURS, measured([1.0], "us"))


def test_a_target_on_the_ratio_is_judged_by_its_median() -> None:
    assert replace(ROW, target=Target(1.1, on=On.LIMIT)).met is True
    assert replace(ROW, target=Target(1.05, on=On.LIMIT)).met is False


def test_a_target_on_the_figure_is_an_upper_bound_unless_it_says_at_least() -> None:
    assert replace(ROW, target=Target(11.0, "us")).met is True
    assert replace(ROW, target=Target(10.9, "us")).met is False
    assert replace(ROW, target=Target(10.9, "us", at_least=True)).met is True


def test_a_target_on_a_peer_that_is_missing_is_not_met() -> None:
    assert Row("CPU", OURS, target=Target(0.9, on=On.PEER)).met is False


def test_without_a_target_there_is_no_verdict() -> None:
    assert ROW.met is None


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (Target(1_536, "bytes"), "at most 1,536 bytes"),
        (Target(0.6, "M/s", at_least=True), "at least 0.6 M/s"),
        (Target(0.9, "times", on=On.PEER), "at most 0.9 times the peer"),
    ],
)
def test_a_target_reads_as_a_person_would_say_it(target: Target, text: str) -> None:
    assert target.text == text


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (99, 99), (100, 100), (1, 1)])
def test_percentiles_are_values_that_were_measured(percent: float, expected: float) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == expected


def test_the_percentile_of_few_values_never_hides_the_worst() -> None:
    assert percentile([1.0, 2.0, 30.0], 99) == 30.0


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_the_slope_is_that_of_the_line_through_the_points() -> None:
    assert slope([(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]) == pytest.approx(2.0)
    assert slope([(1.0, 7.0)]) == 0.0
