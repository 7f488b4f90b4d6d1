"""P9 is found broken where it is, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos.history import Event, History, Poll, Stream, Trouble, Watch
from tests.chaos.judge import judge
from tests.chaos.judge_counts import NOTICED_S, OLD_S, RIGHT_AFTER_S, counts_in_calm
from tests.unit.chaos.histories import LIGHT, broken, sound

END = 60.0
CALM = RIGHT_AFTER_S + 1.0  # from here on everything has to be right


def watched(viewers: int = 3) -> History:
    """So many viewers of one video from the beginning on, told of it after a moment."""
    history = History(stored={"v1": []}, ended_at=END, looked_until=END, counted=True)
    for number in range(viewers):
        watch = Watch("v1", f"viewer {number}", streams=[Stream(0.1, "node-1")])
        watch.asked.append(0.0)
        watch.add(0.2, Event("hello", "e-0", {"video_id": "v1", "head": "e-0"}))
        tell(watch, 2.0, viewers)
        history.watches.append(watch)
    history.polls = [Poll("v1", at, at + 0.1, 200, viewers, viewers) for at in (20.0, 40.0)]
    return history


def tell(watch: Watch, at: float, now: int, peak: int = 0) -> None:
    watch.add(at, Event("viewers", "", {"now": now, "peak": max(now, peak)}))


def leave(history: History, at: float) -> Watch:
    """One of them closes its page, and nobody tells."""
    watch = history.watches[-1]
    watch.left_at = watch.streams[-1].closed_at = at
    return watch


def come(history: History, at: float, count: int) -> None:
    """Somebody comes, and is told; the others are not."""
    watch = Watch("v1", "late", streams=[Stream(at, "node-2")])
    watch.asked.append(at)
    watch.add(at, Event("hello", "e-0", {"video_id": "v1", "head": "e-0"}))
    tell(watch, at, count)
    history.watches.append(watch)


def test_counts_that_are_right_are_held() -> None:
    history = watched()
    verdict = judge(history)
    assert verdict.broken == []
    assert verdict.ledger.judged["P9"] > 3 * 40
    assert counts_in_calm(history) > 3 * 40


def test_a_join_must_be_told_to_all_in_time() -> None:
    history = watched()
    come(history, 20.0, 4)
    assert broken(history) == {"P9"}
    for watch in history.watches[:3]:
        tell(watch, 20.0 + OLD_S - 0.1, 4)
    history.polls = [Poll("v1", 24.0, 24.1, 200, 3, 3), Poll("v1", 27.0, 27.1, 200, 4, 4)]
    assert broken(history) == set()


def test_a_leave_must_be_told_to_all_in_time() -> None:
    history = watched()
    leave(history, 20.0)
    assert broken(history) == {"P9"}
    for watch in history.watches[:2]:
        tell(watch, 20.0 + OLD_S + NOTICED_S - 0.1, 2, 3)
    history.polls = [Poll("v1", 50.0, 50.1, 200, 2, 3)]
    assert broken(history) == set()


@pytest.mark.parametrize(("now", "peak"), [(-1, 3), (0, 3), (5, 4)])
def test_a_number_that_cannot_be_is_found_at_any_time(now: int, peak: int) -> None:
    history = watched()
    history.troubles = [Trouble("node killed", 1.0, 50.0, 5.0)]
    assert broken(history) == set()
    history.watches[0].counts.append((30.0, now, peak))
    assert broken(history) == {"P9"}


def test_a_viewer_who_is_never_told_is_found() -> None:
    history = watched()
    history.watches[1].counts.clear()
    assert broken(history) == {"P9"}


def twice(history: History) -> None:
    """The share of a killed node is never taken away."""
    for watch in history.watches:
        tell(watch, 30.0, 5)


def forgotten(history: History) -> None:
    """A node is left out."""
    for watch in history.watches:
        tell(watch, 30.0, 2, 3)


def asked(history: History) -> None:
    """Only who asks is told a wrong count."""
    history.polls.append(Poll("v1", 30.0, 30.1, 200, 2, 3))


def unknown(history: History) -> None:
    """A writer that was never away says that it does not know."""
    history.polls.append(Poll("v1", 30.0, 30.1, 503))


@pytest.mark.parametrize("plant", [twice, forgotten, asked, unknown])
def test_a_planted_fault_is_found_in_calm_and_excused_in_trouble(
    plant: Callable[[History], None],
) -> None:
    history = watched()
    plant(history)
    assert broken(history) == {"P9"}
    history.troubles = [Trouble("node killed", 29.0, 29.5, 5.0)]
    for watch in history.watches:
        tell(watch, 29.5 + RIGHT_AFTER_S - 0.1, 3)
    assert broken(history) == set()
    history.troubles = [Trouble("node killed", 10.0, 10.5, 5.0)]
    assert broken(history) == {"P9"}


def test_above_a_hundred_a_percent_may_be_missing() -> None:
    history = watched(200)
    history.polls.clear()
    for now, wrong in ((199, False), (202, False), (190, True), (210, True)):
        for watch in history.watches:
            watch.counts[:] = [(2.0, now, 300)]
        assert broken(history) == ({"P9"} if wrong else set())


def test_the_state_tells_it_too() -> None:
    history = watched()
    watch = history.watches[0]
    watch.counts.clear()
    watch.add(2.0, Event("state", "e-0", {"viewers": {"now": 7, "peak": 7}}))
    assert watch.counts == [(2.0, 7, 7)]


def test_a_run_without_counts_to_judge_is_void() -> None:
    history = sound(50)
    history.counted = True
    history.troubles = [Trouble("node killed", 9.5, 10.0, 5.0)]
    floor = replace(LIGHT, faults=1, calls=3)
    assert judge(history, replace(floor, counts=10)).void == ()
    (why,) = judge(history, replace(floor, counts=1000)).void
    assert why.startswith("P9: only ")
    history.counted = False
    assert judge(history, replace(floor, counts=1000)).void == ()
