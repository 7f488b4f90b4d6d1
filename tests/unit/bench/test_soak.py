"""What a soak says of what it has seen."""

from __future__ import annotations

import pytest

from bench.figures import Curve, Row
from bench.soak import LONG, SHORT, Window, findings_of

WINDOWS = [
    Window(
        minute,
        {"node-1": 50_000_000 + minute * 1_048_576, "haproxy": 9_000_000},
        {"node-1": minute * 1_048_576},
        {"node-1": 9},
        4,
    )
    for minute in range(1, 10)
]


def rows(name: str) -> list[Row]:
    return [finding for finding in findings_of(name, WINDOWS) if isinstance(finding, Row)]


def test_the_worst_process_is_named_with_its_slope() -> None:
    assert "(node-1)" in rows(LONG)[0].figure
    assert rows(LONG)[0].ours.median == pytest.approx(1_024)  # KiB a minute


def test_only_the_long_one_is_judged() -> None:
    assert [row.met for row in rows(LONG)] == [False, True, True]
    assert [row.met for row in rows(SHORT)] == [None, None, None]


def test_each_has_pictures_of_its_own() -> None:
    def pictures(name: str) -> set[str]:
        return {find.name for find in findings_of(name, WINDOWS) if isinstance(find, Curve)}

    assert not pictures(SHORT) & pictures(LONG)
