"""Shapes that fit, and what they come near to."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from planner.constants import Constants
from planner.demand import Demand
from planner.limits import limits_of
from planner.model import DISPATCHER, GATEWAY, NODE, STAGES, forecast
from planner.report import as_json, as_text, number, sweep_as_json, sweep_as_text
from planner.size import Machine, find_plan
from planner.sweep import bites, crossing, sweep

DEMAND = Demand(viewers=50_000, videos=2_000, comments_per_s=20.0)
MACHINE = Machine(price_per_hour=0.5)


def test_no_process_of_a_plan_that_fits_is_over_its_share() -> None:
    plan = find_plan(DEMAND, MACHINE)
    assert plan.fits
    for name, stage in plan.forecast.stages.items():
        cores = MACHINE.cores if name == GATEWAY else 1
        assert stage.busiest <= MACHINE.used * cores * 1.001
    assert max(plan.forecast.placement.loads.viewers) <= MACHINE.viewers_per_node


def test_one_node_fewer_than_memory_and_streams_ask_for_does_not_do() -> None:
    quiet = replace(DEMAND, comments_per_s=0.1)
    plan = find_plan(quiet, MACHINE)
    fewer = find_plan(quiet, MACHINE, nodes=plan.forecast.shape.nodes - 1)
    assert plan.fits
    assert not fewer.fits


def test_larger_demands_never_need_fewer_nodes() -> None:
    nodes = [
        find_plan(replace(DEMAND, viewers=viewers), MACHINE).forecast.shape.nodes
        for viewers in (1_000, 20_000, 200_000)
    ]
    assert nodes == sorted(nodes)
    assert nodes[0] < nodes[-1]


def test_machines_are_paid_by_the_hour() -> None:
    plan = find_plan(DEMAND, MACHINE)
    assert plan.cost_per_hour(NODE) == 0.5 * plan.machines(NODE)
    assert plan.machines(NODE) >= plan.forecast.shape.nodes / MACHINE.cores


def test_at_least_two_of_each_are_planned() -> None:
    shape = find_plan(Demand(1, 1, 0.01), MACHINE).forecast.shape
    assert min(shape.nodes, shape.dispatchers, shape.writers, shape.gateways) == 2


def test_a_hot_video_comes_near_its_own_limits_first() -> None:
    plan = find_plan(Demand(1_000_000, 10, 200.0, zipf=2.0), MACHINE, nodes=200)
    limits = limits_of(plan)
    assert limits[0].what.startswith("hottest video")
    assert [limit.share for limit in limits] == sorted(
        (limit.share for limit in limits), reverse=True
    )
    assert len({limit.what for limit in limits}) == len(limits)


def test_many_small_rooms_by_round_robin_come_near_zookeepers() -> None:
    quiet = Demand(1_000_000, 500_000, 10.0, zipf=0.0, stay_s=60.0)
    plan = find_plan(quiet, MACHINE, placement="round_robin", nodes=100)
    over = [limit.what for limit in limits_of(plan) if limit.share > 1]
    assert any(what.startswith("ZooKeeper: registrations that change") for what in over)


def test_every_limit_says_what_comes_next() -> None:
    for limit in limits_of(find_plan(DEMAND, MACHINE)):
        assert limit.after
        assert limit.bites_at > 0
        assert limit.share >= 0


@pytest.mark.parametrize("change", [{"cores": 0}, {"used": 1.5}, {"memory_bytes": 0.0}])
def test_a_machine_that_holds_nothing_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"machine|more than nothing"):
        replace(MACHINE, **change)


def test_both_reports_name_every_stage_and_limit() -> None:
    plan = find_plan(DEMAND, MACHINE)
    other = forecast(DEMAND, replace(plan.forecast.shape, placement="round_robin"))
    limits = limits_of(plan, Constants())
    report = json.loads(as_json(plan, other, limits))
    assert [stage["name"] for stage in report["stages"]] == list(STAGES)
    assert report["figures"]["nodes"] == report["other_placement"]["nodes"]
    assert len(report["limits"]) == len(limits)
    console = Console(width=200, record=True, file=StringIO())
    console.print(as_text(plan, other, limits))
    text = console.export_text()
    assert DISPATCHER in text
    assert "round_robin" in text
    assert "hottest video: its writer" in text


def test_numbers_are_shown_with_three_digits() -> None:
    assert [number(value) for value in (0.0123, 5, 1_234, 2.5e6, 3e9, 4e12)] == [
        "0.0123", "5", "1.23 k", "2.5 M", "3 G", "4 T",
    ]  # fmt: skip


def test_a_limit_bites_between_the_sizes_around_it() -> None:
    assert crossing([1, 10, 100], [0.01, 0.1, 10.0]) == pytest.approx(10**1.5)
    assert crossing([1, 10, 100], [2.0, 20.0, 200.0]) == 1
    assert crossing([1, 10], [0.0, 5.0]) == 10
    assert crossing([1, 10], [0.1, 0.5]) is None


def test_a_sweep_grows_in_proportion_and_tells_where_limits_bite() -> None:
    demand = Demand(viewers=200_000, videos=2_000, comments_per_s=200.0)
    plans = sweep(demand, MACHINE, Constants(), "hash", nodes=200)
    assert [plan.forecast.demand.viewers for plan in plans] == [200, 2_000, 20_000, 200_000]
    assert plans[-1].forecast.shape.nodes == 200
    found = bites(plans, Constants())
    biting = [bite.viewers for bite in found if bite.viewers is not None]
    assert biting == sorted(biting)
    assert biting
    report = json.loads(sweep_as_json(plans, found))
    assert len(report["plans"]) == len(plans)
    console = Console(width=200, file=StringIO(), record=True)
    console.print(sweep_as_text(plans, found))
    assert "in the order in which they are reached" in console.export_text()
