"""A comment's cost and its rows, with an older revision beside ours or without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import crowded, links
from bench.contender import Slice
from bench.costs import BUS, Cost, cost_of
from bench.links import BROADCAST, Targets, rows_of
from bench.pair import OLD, OURS
from bench.revision import Tree
from bench.tree_cluster import variables
from bench.turns import order_of

TARGETS = Targets(by_broadcast=1.0, by_old=0.55, late=((50, 0.4), (99, 0.5)))


def cost(writer: float, late: float) -> Cost:
    roles = {"writer": writer, "dispatcher": 1.0, "node": 1.0, "haproxy": 0.5, BUS: 0.0}
    return Cost(roles, [late] * 10, 0.1)


DONE = [
    {OURS: cost(0.5, 2.0), BROADCAST: cost(1.5, 4.0), OLD: cost(3.5, 10.0)},
    {OURS: cost(0.5, 3.0), BROADCAST: cost(1.5, 4.0), OLD: cost(3.5, 10.0)},
]
OLDER = Tree("revision 1234567", Path("/tmp"), Path("python"))


def test_idling_is_taken_away_and_parts_of_a_role_are_added_up() -> None:
    slices = [
        Slice(100, 2.0, {"writer-1": 0.5, "writer-2": 0.3, "redis": 0.1}, [1.0], 0.2),
        Slice(100, 2.0, {"writer-1": 0.7, "writer-2": 0.3, "redis": 0.1}, [3.0], 0.2),
    ]
    found = cost_of(slices, {"writer-1": 0.1, "writer-2": 0.0, "redis": 0.05})
    assert found.cpu_ms == pytest.approx({"writer": 7.0, BUS: 0.0})
    assert found.total_ms == pytest.approx(7.0)
    assert found.late(50) == 1.0
    assert found.late(99) == 3.0
    assert found.measuring == pytest.approx(0.1)


def test_who_was_first_is_last_in_the_next_turn() -> None:
    assert [order_of(["ours", "old"], turn) for turn in range(2)] == [
        ["ours", "old"],
        ["old", "ours"],
    ]
    for load in (
        *(load for load, _ in links.FULL + links.QUICK),
        crowded.FULL[1],
        crowded.QUICK[1],
    ):
        assert load.turns % 2 == 0


def test_targets_are_judged_by_broadcast_and_by_the_older_revision() -> None:
    judged = [row for row in rows_of("100 comments/s", TARGETS, DONE, OLDER) if row.target]
    assert [row.peer.name for row in judged if row.peer] == ["broadcast"] + 3 * ["revision 1234567"]
    ratios = [row.ratio.median for row in judged if row.ratio]
    assert ratios == pytest.approx([3.0 / 4.0, 3.0 / 6.0, 0.25, 0.25])
    assert all(row.met for row in judged)


def test_without_an_older_revision_nothing_is_judged_by_it() -> None:
    done = [{name: repeat[name] for name in (OURS, BROADCAST)} for repeat in DONE]
    rows = list(rows_of("100 comments/s", TARGETS, done, None))
    assert [row.peer.name for row in rows if row.peer] == ["broadcast"]
    assert [row.met for row in rows if row.met is not None] == [True]


def test_a_cluster_is_made_of_what_the_benchmark_asks_for_and_nothing_else() -> None:
    environ = {"PATH": "/bin", "NODES": "5", "PYTHONPATH": "/elsewhere", "CLUSTER": "mine"}
    assert variables({"nodes": 3, "topology": "broadcast"}, environ) == {
        "PATH": "/bin",
        "CLUSTER": "bench",
        "RUNTIME": "local",
        "NODES": "3",
        "TOPOLOGY": "broadcast",
    }
