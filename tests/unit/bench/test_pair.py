"""Rows of two revisions side by side: what is judged by the older one, and what without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import crowded, delivery, idle
from bench.contender import Shape
from bench.costs import BUS, ROLES, Cost
from bench.figures import Row
from bench.pair import OLD, OURS
from bench.revision import Tree

OLDER = Tree("revision 1234567", Path("/tmp"), Path("python"))
SHARES = dict.fromkeys((*ROLES, BUS), 0.5)


def targets(rows: list[Row]) -> dict[str, bool | None]:
    """Verdict by target."""
    return {row.target.text: row.met for row in rows if row.target}


def late(ms: float) -> Cost:
    return Cost({"node": 1.0}, [ms], 0.2)


def test_idle_cpu_is_judged_by_itself_and_by_the_older_revision() -> None:
    twice = {role: 2 * share for role, share in SHARES.items()}
    rows = list(idle.rows_of("no viewers", [{OURS: SHARES, OLD: twice}], OLDER))
    assert rows[0].ours.values == (2.5,)
    assert targets(rows) == {"at most 2.7 % of a core": True, "at most 0.5 times the peer": True}
    assert [row.ratio.median for row in rows if row.ratio] == pytest.approx([0.5] * 7)


def test_idle_cpu_stands_alone_without_an_older_revision() -> None:
    rows = list(idle.rows_of("no viewers", [{OURS: SHARES}], None))
    assert targets(rows) == {"at most 2.7 % of a core": True}
    assert all(row.peer is None for row in rows)


def test_a_crowd_may_be_late_or_late_by_the_older_revision() -> None:
    done = [{OURS: late(30.0), OLD: late(90.0)}, {OURS: late(36.0), OLD: late(100.0)}]
    rows = list(crowded.rows_of(Shape(10, 100), 200, done, OLDER))
    assert rows[0].figure == "post to viewer, 10 rooms of 100, 20,000 deliveries/s: p50"
    assert [row.met for row in rows[:4]] == [False, True, True, True]
    assert rows[1].ratio is not None
    assert rows[1].ratio.values == pytest.approx((0.333, 0.36), abs=0.001)


def test_a_delivery_costs_what_gateway_and_node_take_for_it() -> None:
    ours = Cost({"haproxy": 10.0, "node": 8.0, "writer": 3.0}, [], 0.2)
    older = Cost({"haproxy": 14.0, "node": 10.0, "writer": 4.0}, [], 0.2)
    rows = list(delivery.rows_of(Shape(1, 1_000), [{OURS: ours, OLD: older}], OLDER))
    assert [row.ours.values for row in rows] == [(18.0,), (10.0,), (8.0,)]
    assert targets(rows) == {"at most 0.8 times the peer": True}
