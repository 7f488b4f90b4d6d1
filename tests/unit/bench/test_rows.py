"""Rows follow from what could be measured on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import memory
from bench.fanout import Size, cost_rows
from bench.figures import measured
from bench.memory import Growth, rows_of
from bench.senders import NchanSender, NodeSender, RawSender

SIZE = Size(1_000, 20, rounds=1, turns=1)


@pytest.mark.parametrize(("limit", "met"), [(RawSender.IN_C, True), (RawSender.IN_PYTHON, None)])
def test_a_target_on_a_loop_in_c_is_not_judged_by_one_in_python(
    limit: str, met: bool | None
) -> None:
    cost = {NodeSender.name: measured([10.0], "us"), limit: measured([9.0], "us")}
    assert [row.met for row in cost_rows(SIZE, cost)] == [met]


def test_a_target_on_nchan_is_judged_where_nchan_is() -> None:
    cost = {NodeSender.name: measured([10.0], "us"), NchanSender.name: measured([20.0], "us")}
    assert [row.met for row in cost_rows(SIZE, cost)] == [True]


def test_memory_has_no_row_for_the_kernel_where_it_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = {"node": [Growth(1_400, 0)], "bare": [Growth(1_200, 0)], "nchan": [Growth(9_000, 0)]}
    monkeypatch.setattr(memory, "_SLAB_INFO", Path("/proc/self/cmdline"))
    assert len(list(rows_of(100, done))) == 3
    monkeypatch.setattr(memory, "_SLAB_INFO", Path("/nonexistent"))
    assert ["kernel" in row.figure for row in rows_of(100, done)] == [False, False]
