"""Costs from runs that mix kinds of work."""

from __future__ import annotations

import random

import pytest

from planner.fit import fit


def test_costs_are_found_again_from_exact_runs() -> None:
    costs = {"idle": 0.01, "post": 2e-3, "write": 2e-5}
    work = [
        {"idle": 4.0},
        {"idle": 4.0, "post": 200.0},
        {"idle": 4.0, "post": 200.0, "write": 40_000.0},
        {"idle": 8.0, "post": 10.0, "write": 500.0},
    ]
    spent = [sum(costs[kind] * times for kind, times in run.items()) for run in work]
    assert fit(work, spent) == pytest.approx(costs, rel=1e-3)


def test_noise_of_a_tenth_moves_costs_by_little() -> None:
    chance = random.Random(3)
    work = [{"a": chance.uniform(0, 100), "b": chance.uniform(0, 100)} for _ in range(40)]
    spent = [(run["a"] + 3 * run["b"]) * chance.uniform(0.9, 1.1) for run in work]
    assert fit(work, spent) == pytest.approx({"a": 1.0, "b": 3.0}, rel=0.15)


def test_no_cost_is_negative() -> None:
    found = fit([{"a": 1.0}, {"a": 1.0, "b": 1.0}], [1.0, 0.5])
    assert found["b"] == 0.0
    assert 0.5 <= found["a"] <= 1.0


def test_work_that_never_came_costs_nothing() -> None:
    assert fit([{"a": 1.0, "b": 0.0}], [2.0])["b"] == 0.0


def test_runs_and_sums_must_match() -> None:
    with pytest.raises(ValueError, match="as many"):
        fit([], [])
    with pytest.raises(ValueError, match="as many"):
        fit([{"a": 1.0}], [1.0, 2.0])
