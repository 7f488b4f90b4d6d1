"""The planner's arithmetic: nothing is lost, more never costs less."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import pytest

from planner.constants import Constants
from planner.demand import Demand, audiences, gathered, rules, unnoticed_s
from planner.model import (
    DISPATCHER,
    GATEWAY,
    NODE,
    STAGES,
    TO_VIEWERS,
    WRITER,
    ZOOKEEPER,
    Shape,
    forecast,
)
from planner.placement import HASH, ROUND_ROBIN
from rtms_node.limits import Limits

DEMAND = Demand(viewers=20_000, videos=300, comments_per_s=50.0)
SHAPE = Shape(nodes=12)


def rising(values: list[float]) -> bool:
    return values == sorted(values) and values[0] < values[-1]


def test_the_shares_of_all_videos_add_up_to_one_and_fall() -> None:
    for videos in (1, 999, 1_001, 5_000):
        shares = list(replace(DEMAND, videos=videos).shares())
        assert len(shares) == videos
        assert sum(shares) == pytest.approx(1.0)
        assert shares == sorted(shares, reverse=True)


def test_alike_videos_are_nearly_what_zipf_says() -> None:
    shares = list(Demand(1, 100_000, 1, zipf=1.1).shares())
    weights = [rank**-1.1 for rank in range(1, 100_001)]
    for rank in (1, 500, 5_000, 50_000, 99_999):
        assert shares[rank - 1] == pytest.approx(weights[rank - 1] / sum(weights), rel=0.01)


def test_every_video_has_its_own_place_whatever_it_is_counted_with() -> None:
    demand = Demand(1_000, 20_000, 1.0)
    groups = list(audiences(demand)())
    assert [group.first for group in groups[1:]] == [
        group.first + group.count for group in groups[:-1]
    ]
    assert sum(group.count for group in groups) == 20_000


def test_what_comes_alone_is_done_at_once_and_what_comes_often_together() -> None:
    assert gathered(0.0, 0.01) == 0.0
    assert gathered(1.0, 0.01) == pytest.approx(1.0, rel=0.001)
    assert gathered(1e9, 0.01) == pytest.approx(100.0)
    assert rising([gathered(rate, 0.01) for rate in (1, 10, 100, 1_000)])


@pytest.mark.parametrize("placement", [HASH, ROUND_ROBIN])
def test_what_goes_in_comes_out(placement: str) -> None:
    found = forecast(DEMAND, replace(SHAPE, placement=placement))
    rates, loads = found.rates, found.placement.loads
    assert rates.streams == pytest.approx(sum(loads.viewers))
    assert rates.streams >= DEMAND.viewers  # and those who left unnoticed
    assert rates.comments == pytest.approx(DEMAND.comments_per_s)
    assert rates.copies == pytest.approx(sum(loads.comments))
    assert rates.registrations == pytest.approx(sum(loads.registrations))
    assert rates.forwards <= sum(loads.batches) <= rates.copies
    assert rates.writes <= rates.deliveries
    assert rates.znodes > rates.registrations
    assert found.stages[NODE].cores == pytest.approx(sum(found.node_cores))


def test_a_comment_goes_to_no_more_nodes_than_there_are() -> None:
    for nodes in (1, 3, 50):
        found = forecast(DEMAND, replace(SHAPE, nodes=nodes, placement=ROUND_ROBIN))
        assert 0 < found.placement.copies_per_comment <= nodes


def test_more_viewers_cost_more_everywhere_but_at_the_writers_and_dispatchers() -> None:
    found = [forecast(replace(DEMAND, viewers=viewers), SHAPE) for viewers in (1e3, 1e4, 1e5)]
    for stage in (GATEWAY, NODE):
        assert rising([one.stages[stage].cores for one in found])
    assert rising([one.links[TO_VIEWERS].bytes for one in found])
    assert rising([one.rates.registrations for one in found])


def test_more_comments_cost_more_everywhere_but_in_zookeeper() -> None:
    found = [forecast(replace(DEMAND, comments_per_s=rate), SHAPE) for rate in (1, 10, 100, 1_000)]
    for stage in (GATEWAY, WRITER, DISPATCHER, NODE):
        assert rising([one.stages[stage].cores for one in found])
    assert found[0].rates.registrations == pytest.approx(found[-1].rates.registrations, rel=0.05)


def test_viewers_who_stay_for_ever_change_nothing_in_zookeeper() -> None:
    found = forecast(replace(DEMAND, stay_s=1e12), SHAPE)
    assert found.rates.zookeeper_changes == pytest.approx(0.0, abs=1e-6)
    assert found.rates.joins == pytest.approx(0.0, abs=1e-6)


def test_the_shorter_the_stay_of_few_viewers_the_more_zookeeper_writes() -> None:
    demand = Demand(viewers=300, videos=300, comments_per_s=1.0, zipf=0.0)
    found = [forecast(replace(demand, stay_s=stay), SHAPE) for stay in (10_000, 1_000, 100)]
    assert rising([one.rates.zookeeper_changes for one in found])
    assert rising([one.stages[ZOOKEEPER].cores for one in found])


def test_nobody_costs_what_idle_processes_cost() -> None:
    constants = Constants()
    found = forecast(Demand(0, 1, 0.0), SHAPE, constants)
    assert found.stages[NODE].cores == pytest.approx(SHAPE.nodes * constants.node_idle)
    assert found.stages[DISPATCHER].cores == pytest.approx(2 * constants.dispatcher_idle)
    assert found.links[TO_VIEWERS].bytes == 0.0


def test_work_that_costs_nothing_costs_nothing() -> None:
    free = Constants(**dict.fromkeys((row[0] for row in Constants().as_rows()), 0.0))
    found = forecast(DEMAND, SHAPE, free)
    assert [found.stages[stage].cores for stage in STAGES] == [0.0] * 5


def test_a_stream_in_silence_is_missed_late_and_a_busy_one_soon() -> None:
    assert unnoticed_s(0.0) == 1.5 * Limits().heartbeat_s
    assert unnoticed_s(100.0) == 0.02


def test_a_node_writes_less_often_the_more_it_has_to_write() -> None:
    rounds = rules(Constants()).rounds_per_s
    assert rounds(1.0, 10) == pytest.approx(1.0, rel=0.01)
    assert rounds(1e6, 10) == pytest.approx(100.0)  # the shortest tick
    assert rounds(1e6, 1_000) == pytest.approx(40.0)  # the longest
    assert rounds(1e6, 100_000) < 1.0  # a walk over all of them takes longer


@pytest.mark.parametrize(
    "change",
    [{"videos": 0}, {"viewers": -1.0}, {"stay_s": 0.0}, {"zipf": -1.0}, {"videos": 10**9}],
)
def test_a_demand_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        replace(DEMAND, **change)


def test_a_shape_without_nodes_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Shape(nodes=0)


def test_every_figure_is_a_number() -> None:
    for demand in (DEMAND, Demand(1e8, 3, 1e6, zipf=3.0), Demand(1, 1, 1e-6)):
        found = forecast(demand, Shape(nodes=3))
        for stage in found.stages.values():
            assert 0 <= stage.busiest <= stage.cores < inf
