"""A benchmark's processes: answered, or the benchmark fails."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

import pytest

from bench.child import BenchFailed, Child, at_rate_on_loop, carry_out_all, rss_bytes


def _die() -> None:
    os._exit(3)


def serve(pipe: Any) -> None:
    carry_out_all(pipe, {"double": lambda n: 2 * n, "fail": lambda: 1 // 0, "die": _die})


def test_a_command_is_carried_out_in_another_process() -> None:
    with Child(serve) as child:
        assert child.ask("double", 21) == 42


def test_an_error_there_fails_the_benchmark_here_and_the_child_goes_on() -> None:
    with Child(serve) as child:
        with pytest.raises(BenchFailed, match="ZeroDivisionError"):
            child.ask("fail")
        assert child.ask("double", 1) == 2


def test_a_child_that_dies_fails_the_benchmark_at_once() -> None:
    with Child(serve) as child, pytest.raises(BenchFailed, match="died"):
        child.ask("die")


def test_resident_memory_is_in_bytes() -> None:
    assert 5_000_000 < rss_bytes() < 50_000_000_000


async def test_a_pace_is_kept_without_waking_up_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acted: list[float] = []
    slept: list[float] = []
    sleep = asyncio.sleep

    async def counted_sleep(delay: float) -> None:
        slept.append(delay)
        await sleep(delay)

    monkeypatch.setattr(asyncio, "sleep", counted_sleep)
    began = time.monotonic()
    await at_rate_on_loop(400, 40, lambda _number: acted.append(time.monotonic()))
    assert len(acted) == 40
    assert all(at >= began + number / 400 for number, at in enumerate(acted))
    # One each, and some more on a busy machine: uvloop counts from the beginning of its turn, so it
    # wakes us too early by what this process had to wait for a core since then.
    assert len(slept) <= 60
