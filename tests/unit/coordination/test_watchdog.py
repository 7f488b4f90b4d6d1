"""What time alone tells of a connection, with a clock that the test moves."""

from __future__ import annotations

from math import inf

import pytest

from coordination.watchdog import Action, Sent, Watchdog

TIMEOUT_S = 6.0  # so a check each second, and a request is too old after 4 s
AWAY_AFTER_S = 2.5


def started(now: float = 0.0) -> Watchdog:
    watchdog = Watchdog(TIMEOUT_S, AWAY_AFTER_S)
    watchdog.start(now)
    return watchdog


def due(
    watchdog: Watchdog, now: float, *, client_alive: bool = True, oldest: Sent | None = None
) -> list[Action]:
    return watchdog.due(now, client_alive=client_alive, oldest=oldest)


def test_nothing_is_due_before_the_start() -> None:
    watchdog = Watchdog(TIMEOUT_S, AWAY_AFTER_S)
    assert watchdog.next_at == inf
    assert due(watchdog, 1e9, client_alive=False) == []


def test_a_check_follows_each_sixth_of_the_timeout() -> None:
    watchdog = started(10.0)
    assert watchdog.next_at == 11.0
    assert due(watchdog, 11.5) == []
    assert watchdog.next_at == 12.5


def test_a_client_that_has_died_is_replaced_at_the_next_check() -> None:
    watchdog = started()
    assert due(watchdog, 0.9, client_alive=False) == []
    assert due(watchdog, 1.0, client_alive=False) == [Action.REPLACE_CLIENT]


def test_a_connection_is_cut_when_one_request_is_too_old_twice() -> None:
    watchdog, oldest = started(), Sent(7, 0.0)
    assert due(watchdog, 4.0, oldest=oldest) == []  # not older than two thirds
    assert due(watchdog, 5.0, oldest=oldest) == []
    assert due(watchdog, 6.0, oldest=oldest) == [Action.DROP_CONNECTION]


def test_replies_that_come_late_one_after_the_other_cut_nothing() -> None:
    """The process stood still for a while, and works off what came meanwhile."""
    watchdog = started()
    for number in range(10):
        assert due(watchdog, 100.0 + number, oldest=Sent(number, number)) == []


def test_a_check_that_finds_all_answered_acquits_the_suspect() -> None:
    watchdog, oldest = started(), Sent(7, 0.0)
    assert due(watchdog, 5.0, oldest=oldest) == []
    assert due(watchdog, 6.0) == []
    assert due(watchdog, 7.0, oldest=oldest) == []
    assert due(watchdog, 8.0, oldest=oldest) == [Action.DROP_CONNECTION]


def test_between_two_checks_nobody_is_suspected() -> None:
    watchdog, oldest = started(), Sent(7, 0.0)
    assert due(watchdog, 5.0, oldest=oldest) == []
    assert due(watchdog, 5.9, oldest=oldest) == []


def test_a_lost_connection_is_away_and_then_expired_once_each() -> None:
    watchdog = started()
    watchdog.lost(0.5)
    told: list[tuple[float, Action]] = []
    now = 0.5
    while now < 30:
        now = watchdog.next_at
        told += [(now, action) for action in due(watchdog, now)]
    assert told == [(3.0, Action.GO_AWAY), (6.5, Action.EXPIRE)]


@pytest.mark.parametrize(("back_at", "told"), [(2.9, []), (6.4, [Action.GO_AWAY])])
def test_what_is_back_in_time_is_told_nothing(back_at: float, told: list[Action]) -> None:
    watchdog = started()
    watchdog.lost(0.5)
    assert due(watchdog, back_at) == told
    watchdog.connected()
    assert due(watchdog, 100.0) == []


def test_a_process_that_stood_still_is_told_all_at_once_and_in_order() -> None:
    watchdog = started()
    watchdog.lost(0.5)
    assert due(watchdog, 60.0, client_alive=False) == [
        Action.GO_AWAY,
        Action.EXPIRE,
        Action.REPLACE_CLIENT,
    ]
