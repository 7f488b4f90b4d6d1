from __future__ import annotations

import random

import pytest

from livecomments_client._core.backoff import FIRST_RETRY_S, MAX_DELAY_S, Budget, Reconnects


def most(low: float, high: float) -> float:
    return high


def least(low: float, high: float) -> float:
    return low


def test_delays_double_with_failures_and_are_bounded() -> None:
    reconnects = Reconnects(most)
    delays = [reconnects.delay_s()]
    for _ in range(100):
        reconnects.note_failure()
        delays.append(reconnects.delay_s())
    assert delays[:3] == [FIRST_RETRY_S, 2 * FIRST_RETRY_S, 4 * FIRST_RETRY_S]
    assert max(delays) == MAX_DELAY_S == delays[-1]
    reconnects.note_hello()
    assert reconnects.delay_s() == FIRST_RETRY_S


def test_the_servers_time_counts_and_what_it_asks_for_is_the_least() -> None:
    reconnects = Reconnects(most)
    reconnects.note_retry(300)
    assert reconnects.delay_s() == 0.3
    reconnects.note_failure()
    assert reconnects.delay_s() == 2.0  # not 0.6: a short time is for the first attempt only
    assert reconnects.delay_s(least_s=20.0) == 20.0
    assert Reconnects(least).delay_s(least_s=1.5) == 1.5
    assert Reconnects(least).delay_s() == 0.0


def test_jitter_takes_the_whole_range() -> None:
    reconnects = Reconnects(random.Random(1).uniform)
    delays = [reconnects.delay_s() for _ in range(1_000)]
    assert min(delays) < 0.1 * FIRST_RETRY_S
    assert max(delays) > 0.9 * FIRST_RETRY_S


def test_a_call_is_tried_until_its_time_is_over() -> None:
    budget, waited = Budget(10.0, most), 0.0
    while (delay := budget.next_delay_s(None)) is not None:
        budget.charge(0.5, 10.0)
        waited += delay + 0.5
    assert 10.0 <= waited <= 10.5


def test_a_wait_that_is_longer_than_the_time_left_is_not_begun() -> None:
    assert Budget(10.0, most).next_delay_s(11.0) is None
    assert Budget(10.0, least).next_delay_s(9.0) == 9.0


@pytest.mark.parametrize("took_s", [3_600.0, -5.0])
def test_a_machine_that_slept_has_not_used_its_time_up(took_s: float) -> None:
    budget = Budget(30.0, most)
    budget.charge(took_s, 10.0)
    assert budget.next_delay_s(None) is not None
