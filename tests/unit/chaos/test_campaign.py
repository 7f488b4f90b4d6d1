"""Several seeds: each is told so that it can be run again, and counts at the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos import campaign
from tests.chaos.campaign import Line, is_good, repeat_line, run_all, seeds_from, table
from tests.chaos.history import History, Trouble
from tests.chaos.run import Orders, Report
from tests.chaos.verdict import Ledger, Verdict


def test_seeds_follow_the_first_one() -> None:
    assert seeds_from("7", 3) == ["7", "8", "9"]
    assert seeds_from("small", 1) == ["small"]
    with pytest.raises(ValueError, match="small"):
        seeds_from("small", 2)


def test_a_run_is_told_with_everything_that_decides_it() -> None:
    orders = Orders("7", 3.0, ("node-kill", "rolling"))
    environ = {"STORE": "cassandra", "TIMEOUT_FACTOR": "2", "TOPOLOGY": "", "HOME": "/"}
    assert repeat_line(orders, environ) == (
        "SEED=7 MINUTES=3 FAULTS=node-kill,rolling STORE=cassandra TIMEOUT_FACTOR=2"
    )
    assert repeat_line(Orders("7"), {}) == "SEED=7 MINUTES=3"


async def test_all_seeds_run_though_one_breaks_and_one_cannot_even_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: list[str] = []
    monkeypatch.setattr(campaign, "run", pretend)
    lines = await run_all(Orders("1"), seeds_from("1", 3), tmp_path, {}, told.append)
    assert lines == [
        Line("1", "held", 4, impact_s=2.5),
        Line("2", "BROKEN", 4, impact_s=2.5),
        Line("3", "VOID"),
    ]
    assert not is_good(lines)
    assert is_good(lines[:1])
    assert [line for line in told if line.startswith("SEED")] == [
        f"SEED={seed} MINUTES=3" for seed in (1, 2, 3)
    ]
    assert f"history, report and logs: {tmp_path / 'seed-2'}" in told
    assert told[-1].startswith("did not come to its end: OSError: no ports")


async def pretend(orders: Orders, folder: Path, tell: Callable[[str], None]) -> Report:
    if orders.seed == "3":
        raise OSError("no ports")
    ledger = Ledger()
    if orders.seed == "2":
        ledger.break_("P4", "lost")
    impacts = [(Trouble("node killed", 1.0, 2.0, 3.0), 2.5)]
    return Report(orders, Verdict(ledger), History(), 4, impacts)


def test_the_table_has_a_line_for_each_seed_and_their_sums() -> None:
    lines = [Line("7", "held", 12, 19_000, 900_000, 1.25), Line("8", "BROKEN", 10, 18_000, 800_000)]
    head, first, second, total = table(lines).splitlines()
    assert head.split() == [
        "seed", "outcome", "faults", "acknowledged", "deliveries", "worst", "impact"
    ]  # fmt: skip
    assert first.split() == ["7", "held", "12", "19000", "900000", "1.2", "s"]
    assert second.split()[:2] == ["8", "BROKEN"]
    assert total == (
        "2 seeds, 1 held; 22 faults injected, 37000 comments, 1700000 deliveries judged"
    )
