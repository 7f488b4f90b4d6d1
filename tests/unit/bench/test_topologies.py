"""What the comparison of the topologies makes of its readings."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.bars import draw_bars
from bench.child import BenchFailed
from bench.topologies.pictures import draw_all, middle, spread_of
from bench.topologies.plan import FULL, QUICK, VARIANTS, Plan, Variant, kinds_needed
from bench.topologies.readings import Reading, find_znodes
from bench.topologies.report import as_json, failures, markdown, rows, table
from bench.topologies.results import Heal, Measured, Sample, difference, heal_of
from bench.topologies.run import measure_all
from bench.topologies.serving import is_empty
from bench.topologies.zipf import Zipf
from cluster.errors import StepFailed
from cluster.parts import Kind
from wire.topology import Topology

SAMPLE = Sample(
    nodes=4,
    exponent=1.0,
    watched=30,
    comments=100,
    messages=200,
    received=400,
    not_subscribed=100,
    deliveries=1_000,
    repairs=0,
    held=7,
    cpu_s={"writer": 0.2, "node": 0.1, "redis": 0.05},
    idle_cpu={"writer": 0.01, "node": 0.02},
    rss_mib={"writer": 50, "node": 100, "redis": 10},
    p50_ms=1.0,
    p99_ms=9.0,
)


def measured(name: str = "gateway") -> Measured:
    small = dataclasses.replace(SAMPLE, nodes=1, received=100, not_subscribed=0)
    even = dataclasses.replace(SAMPLE, exponent=0.0, not_subscribed=300)
    hot = dataclasses.replace(SAMPLE, received=300, deliveries=5_000, p99_ms=77.0)
    heal = Heal(60, 400, 1_000.0, 2_500.0)
    return Measured(name, name, 1, [small, SAMPLE], [SAMPLE, even], SAMPLE, hot, heal)


def test_every_topology_is_compared_and_a_name_means_one() -> None:
    assert {variant.topology for variant in VARIANTS} == set(Topology)
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS)
    for plan in (FULL, QUICK):
        assert plan.main_nodes in plan.steps
        assert list(plan.steps) == sorted(plan.steps), "a cluster only grows"


def test_a_fresh_machine_gets_what_any_of_them_needs_and_nothing_else() -> None:
    assert set(kinds_needed(VARIANTS)) == set(Kind) - {Kind.CASSANDRA, Kind.DYNALITE}
    alone = [variant for variant in VARIANTS if variant.name == "single"]
    assert kinds_needed(alone) == [Kind.SINGLE, Kind.HAPROXY]


def test_popularity_follows_zipfs_law_and_the_seed() -> None:
    chosen = Zipf(100, 1.0, seed=1).choose(20_000)
    assert chosen == Zipf(100, 1.0, seed=1).choose(20_000)
    counts = Counter(chosen)
    assert counts[0] / counts[9] == pytest.approx(10, rel=0.25)
    assert max(counts) <= 99


def test_waste_is_the_share_of_what_came_for_nothing() -> None:
    assert SAMPLE.received_per_comment == 4.0
    assert SAMPLE.waste == 0.25
    assert dataclasses.replace(SAMPLE, received=0, not_subscribed=0).waste == 0


def test_cpu_is_told_for_a_comment_by_role_and_in_all() -> None:
    assert SAMPLE.cpu_ms_per_comment("writer") == pytest.approx(2.0)
    assert SAMPLE.cpu_ms_per_comment("writer", "nobody") == pytest.approx(2.0)
    assert SAMPLE.cpu_ms_per_comment() == pytest.approx(3.5)


def test_what_idling_takes_is_not_the_comments_cost() -> None:
    before = Reading({"node": 10.0, "redis": 1.0}, totals={"messages": 5})
    after = Reading({"node": 12.0, "redis": 1.1}, totals={"messages": 25})
    cpu_s, totals = difference(before, after, {"node": 0.1, "redis": 0.5}, seconds=10)
    assert cpu_s == {"node": pytest.approx(1.0), "redis": 0.0}
    assert totals == {"messages": 20}


def test_the_table_has_the_same_lines_for_all() -> None:
    alone = dataclasses.replace(SAMPLE, messages=0, cpu_s={"single": 0.3, "haproxy": 0.1}, held=0)
    single = Measured("single", "single", 0, [alone], main=alone)
    assert [name for name, _ in rows(measured())] == [name for name, _ in rows(single)]
    assert len(dict(rows(measured()))) == len(rows(measured())), "each has a name of its own"
    text = markdown([single, measured()])
    assert "| nodes that receive a comment | - | 4.00 |" in text
    assert "| of these: writer, dispatcher, node | 3.00 in one | 2.00 / - / 1.00 |" in text
    assert "| of these: Redis or ZooKeeper; HAProxy | - / 1.00 | 0.50 / - |" in text
    assert (
        "| node with most viewers killed: outage of its viewers p50 / max, s | - | 1.0 / 2.5 |"
        in text
    )
    assert "| subscriptions at Redis, or all znodes | - | 7 |" in text


def test_the_hot_video_has_figures_of_its_own() -> None:
    shown = dict(rows(measured()))
    assert shown["hot video: nodes that receive a comment"] == "3.00"
    assert shown["hot video: of these without a viewer"] == "33 %"
    assert shown["hot video: deliveries, per comment"] == "50.0"
    assert shown["hot video: CPU seconds per 1,000 comments"] == "3.50"
    assert shown["hot video: post to viewer p50 / p99, ms"] == "1.0 / 77"


def test_repeats_are_told_by_their_median_and_what_differs_by_its_range() -> None:
    slower = dataclasses.replace(SAMPLE, cpu_s={"writer": 0.4, "node": 0.1, "redis": 0.05})
    slowest = dataclasses.replace(SAMPLE, cpu_s={"writer": 0.7, "node": 0.1, "redis": 0.05})
    repeats = [
        Measured("gateway", "gateway", 1, [sample, sample], main=sample, repeat=number)
        for number, sample in enumerate((slowest, SAMPLE, slower), start=1)
    ]
    shown = dict(rows(*repeats))
    assert shown["CPU seconds per 1,000 comments"] == "5.50 (3.50 to 8.50)"
    assert shown["nodes that receive a comment"] == "4.00"
    assert shown["node with most viewers killed: outage of its viewers p50 / max, s"] == "-"
    failed = Measured("gateway", "gateway", 1, failure="no hello", repeat=4)
    text = markdown([*repeats, failed])
    assert text.startswith("| | gateway |\n")
    assert text.endswith("\ngateway, repeat 4: not measured: no hello\n")
    assert middle([*repeats, failed]) == [repeats[2]], "pictures show one of them"
    assert middle([failed]) == [failed]


def test_znodes_are_those_that_zookeeper_counts() -> None:
    assert find_znodes("zk_version\t3.8\nzk_znode_count\t63\nzk_ephemerals_count\t26\n") == 63
    with pytest.raises(BenchFailed):
        find_znodes("")


def test_everything_is_kept_for_machines() -> None:
    kept = json.loads(as_json([measured()], {"machine": "m"}))
    assert kept["machine"] == "m"
    assert kept["topologies"][0]["samples"][1]["received"] == 400


def test_pictures_are_well_formed_and_show_what_was_measured() -> None:
    drawings = draw_all([measured("gateway"), measured("broadcast")])
    assert set(drawings) == {
        "arrivals", "cpu", "growth-arrivals", "growth-waste", "growth-cpu", "spread-waste",
        "spread-cpu",
    }  # fmt: skip
    for text in drawings.values():
        ElementTree.fromstring(text)
        assert "gateway" in text
    only_single = [Measured("single", "single", 0, [SAMPLE], main=SAMPLE)]
    assert set(draw_all(only_single)) == {"arrivals", "cpu"}


def test_a_topology_that_fails_costs_only_itself() -> None:
    broadcast, partitioned, gateway = VARIANTS[1:4]

    async def measure(_plan: Plan, variant: Variant, home: Path, found: Measured) -> None:
        assert not any(home.iterdir()), "each has a folder of its own"
        found.samples.append(SAMPLE)
        if variant is partitioned:
            raise BenchFailed("Traceback ...\nno hello")
        if variant is broadcast:
            raise StepFailed("redis is dead", "redis", "the end of its log")
        found.main = SAMPLE

    said: list[str] = []
    found = measure_all(QUICK, [broadcast, partitioned, gateway], said.append, measure)
    assert [one.main for one in found] == [None, None, SAMPLE]
    assert [len(one.samples) for one in found] == [1, 1, 1]
    assert failures(found) == [
        "broadcast: not measured: redis is dead",
        "partitioned: not measured: no hello",
    ]
    assert "the end of its log" in said
    text = markdown(found)
    assert text.startswith("| | gateway |\n")
    assert text.endswith("\npartitioned: not measured: no hello\n")
    assert set(draw_all(found)) == {"arrivals", "cpu"}


def test_a_repeat_measures_all_again() -> None:
    async def measure(_plan: Plan, _variant: Variant, _home: Path, found: Measured) -> None:
        found.main = SAMPLE

    found = measure_all(QUICK, VARIANTS[:2], lambda _text: None, measure, repeats=2)
    assert [(one.name, one.repeat) for one in found] == [
        ("single", 1),
        ("broadcast", 1),
        ("single", 2),
        ("broadcast", 2),
    ]


def test_nothing_measured_is_told_too() -> None:
    found = [Measured("gateway", "gateway", 1, failure="Redis is not installed")]
    assert markdown(found) == "gateway: not measured: Redis is not installed\n"
    assert table(found).row_count == 0
    assert draw_all(found) == {}


def test_the_spread_of_viewers_is_drawn_from_even_to_gathered() -> None:
    alone = dataclasses.replace(SAMPLE, messages=0, received=0, not_subscribed=0)
    evenly = dataclasses.replace(alone, exponent=0.0)
    single = Measured("single", "single", 0, spread=[alone, evenly])
    curves = {curve.name: curve for curve in spread_of([measured(), single])}
    waste = {line.name: line.points for line in curves["spread-waste"].lines}
    assert waste == {"gateway": ((0.0, 75.0), (1.0, 25.0))}, "nothing is sent in one process"
    assert [line.name for line in curves["spread-cpu"].lines] == ["gateway", "single"]
    assert not [plan for plan in (FULL, QUICK) if plan.exponent in plan.spreads], "twice the same"


def test_to_heal_is_what_the_killed_nodes_viewers_waited_from_the_kill_on() -> None:
    ms = 1_000_000
    pairs = [9 * ms, 9_999 * ms, 10 * ms, 1_500 * ms, 20 * ms, 900 * ms, 30 * ms, 1 * ms]
    assert heal_of(5, pairs, killed_ns=10 * ms) == Heal(5, 3, 900.0, 1_500.0)
    with pytest.raises(BenchFailed, match="5 streams ended"):
        heal_of(5, pairs, killed_ns=40 * ms)


@pytest.mark.parametrize(
    ("state", "topology", "expected"),
    [
        ({"videos": 0, "registered": 0}, "dispatcher", True),
        ({"videos": 0, "registered": 1}, "gateway", False),
        ({"videos": 0, "registered": 1}, "broadcast", True),
        ({"videos": 1, "registered": 1}, "broadcast", False),
        ({"videos": 0}, "single", True),
        ({}, "single", False),
    ],
)
def test_a_node_is_empty_when_nothing_of_an_audience_is_left(
    state: dict[str, int], topology: str, expected: bool
) -> None:
    assert is_empty(state, topology) is expected


def test_bars_are_as_high_as_their_values() -> None:
    drawn = ElementTree.fromstring(draw_bars("t", "ms", {"a": {"x": 2.0, "y": 3.0}, "b": {"x": 4}}))
    heights = [
        float(shape.attrib["height"])
        for shape in drawn.iter("{http://www.w3.org/2000/svg}rect")
        if shape.attrib["width"] not in ("12.0", "760")
    ]
    assert heights[0] * 3 == pytest.approx(heights[1] * 2, rel=0.01)
    assert heights[2] == pytest.approx(2 * heights[0], rel=0.01)
    ElementTree.fromstring(draw_bars("nothing & nobody", "<s>", {}))
