"""The judge (T72): what comes late, or never, is found; unless a fault explains it."""

from __future__ import annotations

from array import array
from collections.abc import Callable

import pytest

from tests.chaos.history import Call, Event, History, Outcome, Refusal, Stream, Trouble
from tests.chaos.judge import judge
from tests.chaos.judge_live import Pace, pace
from tests.chaos.judge_times import impact_s
from tests.unit.chaos.histories import broken, first_line, hello, sound


def late(history: History) -> History:
    history.watches[1].times[-1] = 30.0
    return history


def refused(history: History) -> History:
    again = Call(4.0, 4.1, 4.0, Outcome.UNKNOWN, 503)
    history.posts[4].calls.insert(0, again)
    return history


@pytest.mark.parametrize("plant", [late, refused])
def test_what_is_late_or_unanswered_is_found_unless_a_fault_explains_it(
    plant: Callable[[History], History],
) -> None:
    history = plant(sound())
    assert broken(history) == {"P8"}
    history.troubles = [Trouble("node killed", 3.9, 4.5, 2.0)]
    assert broken(history) == ({"P8"} if plant is late else set())
    history.troubles = [Trouble("node killed", 3.9, 4.5, 26.0)]
    assert judge(history).broken == []
    assert impact_s(history)[0][1] == pytest.approx(25.5 if plant is late else 0.0)


def test_a_viewer_that_was_refused_is_found_unless_a_fault_explains_it() -> None:
    history = sound()
    history.watches[0].refused.append(Refusal(3.0, 3.1, "no connection: refused"))
    assert broken(history) == {"P8"}
    assert "got no stream though nothing was wrong, at 3.100 s: no conn" in first_line(history)
    history.troubles = [Trouble("node drained", 2.0, 4.0, 1.0, only_routes=True)]
    assert broken(history) == {"P8"}
    history.troubles = [Trouble("gateway killed", 2.9, 3.0, 1.0)]
    assert judge(history).broken == []


def by_antientropy(count: int) -> History:
    """Each comment comes to every screen, 2 s late."""
    history = sound(count)
    for watch in history.watches:
        for index in range(1, count + 1):
            watch.times[index] += 1.9
    return history


def test_a_dead_live_path_is_found() -> None:
    history = by_antientropy(100)
    assert broken(history) == {"P8"}
    assert "100.0% of 192 deliveries came more than 1 s late" in first_line(history)


def test_a_few_late_deliveries_are_no_fault() -> None:
    history = sound(100)
    history.watches[0].times[50] += 0.95
    assert broken(history) == set()
    assert pace(history) == Pace(192, 1)
    for seq in range(40, 48):
        history.watches[0].times[seq] += 0.95
    assert "4.7% of 192" in first_line(history)


def test_late_deliveries_are_explained_by_any_trouble_and_by_a_late_recorder() -> None:
    history = by_antientropy(100)
    history.lag_s = 1.5
    assert broken(history) == set()
    history.lag_s = 0.0
    history.troubles = [Trouble("dispatchers killed", 0.0, 101.0, 4.0, only_routes=True)]
    assert broken(history) == set()


def test_what_is_late_because_the_recorder_is_has_no_impact() -> None:
    history = by_antientropy(100)
    history.troubles = [Trouble("dispatchers killed", 0.0, 1.0, 0.0)]
    assert impact_s(history)[0][1] > 90.0
    history.lag_s = 1.5
    assert impact_s(history)[0][1] == 0.0


def left(history: History, at: float, seen: int) -> History:
    """The first viewer leaves then, and has seen so many comments."""
    watch = history.watches[0]
    del watch.events[seen + 1 :], watch.times[seen + 1 :]
    watch.left_at, watch.place = at, seen
    return history


def test_what_a_viewer_never_got_before_it_left_is_found() -> None:
    history = left(sound(20), 15.0, 3)
    assert broken(history) == {"P8"}
    assert "left at 15.000 s and stood at 3; 10 was due" in first_line(history)
    history.troubles = [Trouble("node killed", 3.5, 4.0, 12.0)]
    assert judge(history).broken == []


def test_a_viewer_need_not_wait_for_what_is_not_due_yet() -> None:
    assert judge(left(sound(20), 7.9, 3)).broken == []
    history = left(sound(20), 15.0, 3)
    watch = history.watches[0]  # it had just come, and was being shown what is old
    watch.events[0], watch.times = hello(0, 11), array("d", [11.5, 11.6, 11.6, 11.6])
    assert judge(history).broken == []


def asks(history: History, at: float) -> History:
    """The first viewer asks for one more stream; it was looked at until 30 s."""
    history.watches[0].asked.append(at)
    history.looked_until = 30.0
    return history


def test_a_hello_that_comes_late_is_found() -> None:
    history = asks(sound(), 6.0)
    history.watches[0].streams.append(Stream(6.1, "node-1"))
    history.watches[0].add(9.9, hello(5))
    assert judge(history).broken == []
    history.watches[0].times[-1] = 11.0
    assert broken(history) == {"P8"}
    assert "asked for a stream at 6.000 s and got it 5.000 s later" in first_line(history)
    history.troubles = [Trouble("node without writers", 6.0, 9.0, 3.0, True, joins_wait=True)]
    assert judge(history).broken == []
    history.troubles = [Trouble("ZooKeeper away", 6.0, 9.0, 3.0, only_routes=True)]
    assert broken(history) == {"P8"}


@pytest.mark.parametrize("answered", [False, True])
def test_a_hello_that_never_comes_is_found(answered: bool) -> None:
    history = asks(sound(), 6.0)
    if answered:
        history.watches[0].streams.append(Stream(6.1, "node-1"))
    assert "asked for a stream at 6.000 s and had none 24.000 s later" in first_line(history)
    history.watches[0].left_at = 9.9
    assert judge(history).broken == []


def test_a_stream_that_is_lost_before_its_hello_is_found_unless_a_fault_explains_it() -> None:
    history = asks(sound(), 6.0)
    history.watches[0].streams.append(Stream(6.1, "node-1", 7.0))
    assert "and lost it before the hello, 1.000 s later" in first_line(history)
    history.troubles = [Trouble("node killed", 6.9, 7.0, 1.0)]
    assert judge(history).broken == []


@pytest.mark.parametrize("reason", ["drain", "unavailable"])
def test_who_is_sent_away_at_once_though_nothing_is_wrong_is_found(reason: str) -> None:
    history = asks(sound(), 6.0)
    history.watches[0].streams.append(Stream(6.1, "", 6.2))
    history.watches[0].add(6.1, Event("bye", "", {"reason": reason}))
    assert broken(history) == (set() if reason == "drain" else {"P8"})
    if reason != "drain":
        assert "was sent away (unavailable)" in first_line(history)
    history.troubles = [Trouble("nodes killed", 5.9, 6.0, 1.0)]
    assert judge(history).broken == []


def test_a_comment_that_nobody_was_told_of_is_due_once_it_was_seen() -> None:
    history = sound(20)
    history.posts[9].calls = [Call(9.9, 10.0, 0.05)]
    assert judge(history).broken == []
    for index in range(10, 21):
        history.watches[0].times[index] = max(history.watches[0].times[index], 14.5)
    assert broken(history) == {"P8"}
    assert "saw v1 10 at 14.500 s, 0.400 s after it was due" in first_line(history)
