"""The judge (T72): calls of nodes that have no viewer are found."""

from __future__ import annotations

from tests.chaos.history import Forward, Refusal, Trouble
from tests.chaos.judge import judge
from tests.chaos.judge_routes import AFTER_LEAVING_S, calls_long_after_faults
from tests.unit.chaos.histories import broken, first_line, sound


def test_a_call_to_a_node_without_viewers_is_found() -> None:
    history = sound()
    history.forwards.append(Forward(3.0, "node-2", "v1", 3))
    assert broken(history) == {"P6"}
    assert "node-2 was called for v1" in first_line(history)


def test_a_call_long_after_the_last_viewer_left_is_found() -> None:
    history = sound()
    for watch in history.watches:
        watch.streams[0].closed_at = watch.left_at = 5.5
    history.forwards.append(Forward(6.5, "node-1", "v1", 5))
    assert judge(history).broken == []
    history.forwards.append(Forward(60.0, "node-1", "v1", 5))
    assert broken(history) == {"P6"}


def test_calls_of_nodes_are_not_judged_while_a_fault_may_be_observed() -> None:
    history = sound()
    history.forwards.append(Forward(3.0, "node-2", "v1", 3))
    history.troubles.append(Trouble("zookeeper away", 1.0, 2.5, 5.0))
    assert judge(history).broken == []


def test_a_call_for_a_viewer_that_has_only_asked_is_no_fault() -> None:
    """It was cut off, or left, before it was told who serves it."""
    history = sound()
    history.forwards.append(Forward(3.0, "node-2", "v1", 3))
    watch = history.watches[0]
    watch.refused.append(Refusal(2.0, 2.1, "it ended before it was answered"))
    history.troubles.append(Trouble("gateway killed", 1.9, 2.0, 0.5))
    assert judge(history).broken == []
    history.forwards.append(Forward(3.0 + AFTER_LEAVING_S, "node-2", "v1", 5))
    assert broken(history) == {"P6"}


def test_a_call_before_the_viewer_asked_is_found() -> None:
    history = sound()
    for watch in history.watches:
        watch.asked.append(0.1)
    history.forwards.append(Forward(-3.0, "node-1", "v1", 0))
    assert broken(history) == {"P6"}


def test_calls_are_not_judged_until_what_was_struck_is_mended() -> None:
    """A node that stood still knows its old routes when it goes on."""
    history = sound()
    history.forwards.append(Forward(4.0, "node-2", "v1", 3))
    history.troubles.append(Trouble("node frozen", 1.0, 1.0, 2.0, healed_at=3.5))
    assert judge(history).broken == []
    history.forwards.append(Forward(5.6, "node-2", "v1", 3))
    assert broken(history) == {"P6"}


def test_only_calls_long_after_a_fault_count_as_facts_that_nothing_excuses() -> None:
    history = sound(60)
    assert calls_long_after_faults(history) == 0
    history.troubles.append(Trouble("node killed", 9.5, 10.0, 5.0))
    assert calls_long_after_faults(history) == 61 - (15 + int(AFTER_LEAVING_S))
    history.troubles.append(Trouble("node killed", 30.0, 30.0, 5.0, only_routes=True))
    assert calls_long_after_faults(history) == 61 - (35 + int(AFTER_LEAVING_S))
