"""The judge itself (T72): planted faults of the other events: gap, reset, hello, bye."""

from __future__ import annotations

import pytest

from tests.chaos.history import Event, History
from tests.chaos.judge import judge
from tests.unit.chaos.histories import (
    EPOCH,
    broken,
    comment,
    first_line,
    gap,
    hello,
    screen,
    shown,
    sound,
)


@pytest.mark.parametrize(
    "event",
    [
        Event("reset", f"{EPOCH}-0", {"reason": "ahead"}),
        hello(0, 5),
        gap(1, 2),
        Event("new", "", {}),
        Event("bye", "", {"reason": "drain"}),  # and more follows
    ],
    ids=["reset", "hello", "gap", "unknown", "bye"],
)
def test_false_events_are_found(event: Event) -> None:
    history = sound()
    watch = history.watches[0]
    watch.events.insert(4, event)
    watch.times.insert(4, 3.5)
    assert "P4" in broken(history)


@pytest.mark.parametrize("reason", ["limit", "memory", "retention"])
def test_a_gap_that_hides_a_loss_is_found(reason: str) -> None:
    history = sound()
    history.watches[0].events[2] = gap(2, 2, reason)
    assert broken(history) == {"P4"}
    assert "a gap that hides a loss" in first_line(history)


def test_an_honest_gap_is_no_fault() -> None:
    assert judge(late_comer(1_100, gap_to=100)).broken == []


def test_a_gap_that_reaches_too_far_is_found() -> None:
    """It is needed, and takes along what the replay could have held."""
    history = late_comer(1_100, gap_to=150)
    assert broken(history) == {"P4"}
    assert "a gap that hides a loss: gap" in first_line(history)


def test_a_gap_counts_from_the_head_of_its_hello() -> None:
    """Comments that came after the hello were not what the replay was too small for."""
    history = late_comer(1_100, gap_to=100)
    watch = history.watches[0]
    watch.events[0] = hello(0, 1_099)
    assert broken(history) == {"P4"}
    watch.events[1] = gap(1, 100, "memory")
    assert judge(history).broken == []


def late_comer(count: int, gap_to: int) -> History:
    """The first viewer comes at the end, with a cursor at the beginning."""
    history = sound(count)
    events = [hello(0, count), gap(1, gap_to), *history.watches[0].events[gap_to + 1 :]]
    history.watches[0] = screen(*((count + 0.5, event) for event in events))
    history.watches[0].cursor = f"{EPOCH}-0"
    return history


def test_a_hello_that_runs_ahead_is_found() -> None:
    """At 2.5 s two comments had been sent; a head of 5 skips three."""
    history = sound()
    history.watches.append(
        screen((2.5, hello(0, 2)), *((5.5, shown(comment(s))) for s in range(1, 6)))
    )
    assert judge(history).broken == []
    history.watches[-1].events[0] = hello(0, 5)
    assert broken(history) == {"P4"}
    assert "only 2 had been sent before hello" in first_line(history)


def test_an_event_source_that_gave_up_is_found() -> None:
    history = sound()
    history.watches[0].fatal = "HTTP/1.1 500"
    assert broken(history) == {"P4"}
    assert "a browser would have given up" in first_line(history)
