from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rtms_node.limits import Limits
from rtms_node.testing import ManualClock
from tests.unit.rtms_node.node_world import Node, Watcher
from wire.sse import ByeReason

LIMITS = Limits()
Say = Callable[[Watcher], None]


@pytest.fixture
def say(slow_node: Node) -> Say:
    """Tell a viewer `bye`."""
    return lambda watcher: slow_node.hub.bye(watcher.viewer, ByeReason.DRAIN)


def closed(*watchers: Watcher) -> list[bool]:
    return [watcher.transport.closed for watcher in watchers]


def test_a_connection_ends_a_moment_after_its_bye(slow_node: Node, say: Say) -> None:
    first, second, staying = (slow_node.watch_loaded() for _ in range(3))
    say(first)
    slow_node.clock.advance(LIMITS.parting_s / 2)
    say(second)
    say(first)  # again: it changes nothing
    assert first.named("bye") == [(None, {"reason": "drain"})]
    assert closed(first, second, staying) == [False, False, False]
    slow_node.clock.advance(LIMITS.parting_s / 2)
    assert closed(first, second, staying) == [True, False, False]
    slow_node.clock.advance(LIMITS.parting_s / 2)
    assert closed(first, second, staying) == [True, True, False]
    assert slow_node.stats.hasty_partings == 0
    assert list(slow_node.hub.viewers) == [staying.viewer]


def test_nothing_follows_a_bye_while_its_connection_is_open(slow_node: Node, say: Say) -> None:
    watcher, other = slow_node.watch_loaded(), slow_node.watch_loaded()
    say(watcher)
    slow_node.hub.ingest(slow_node.store.post("v1", 1))
    slow_node.clock.advance(LIMITS.parting_s / 2)
    slow_node.upkeep.heartbeat()
    slow_node.upkeep.sweep()
    assert other.seqs == [1]
    assert bytes(watcher.transport.written).endswith(b'data: {"reason":"drain"}\n\n')


def test_who_has_read_its_bye_and_left_is_forgotten(slow_node: Node, say: Say) -> None:
    first, second = slow_node.watch_loaded(), slow_node.watch_loaded()
    say(first)
    first.viewer.connection_lost(None)
    slow_node.clock.advance(LIMITS.parting_s / 2)
    say(second)
    slow_node.clock.advance(LIMITS.parting_s / 2)
    assert closed(first, second) == [False, False]
    slow_node.clock.advance(LIMITS.parting_s / 2)
    assert closed(first, second) == [False, True]


def test_of_too_many_at_once_the_oldest_are_closed_early() -> None:
    node = Node(replace(LIMITS, max_partings=2, max_streams=1), clock=ManualClock())
    kept = node.watch_loaded()
    shed = [node.watch() for _ in range(5)]
    assert [len(watcher.named("bye")) for watcher in shed] == [1] * 5
    assert closed(kept, *shed) == [False, True, True, True, False, False]
    assert node.stats.hasty_partings == 3
    node.clock.advance(LIMITS.parting_s)
    assert closed(kept, *shed) == [False] + [True] * 5


def test_who_is_on_its_way_out_takes_no_place() -> None:
    node = Node(replace(LIMITS, max_streams=1), clock=ManualClock())
    kept, *shed = node.watch_loaded(), node.watch(), node.watch()
    kept.viewer.connection_lost(None)
    assert closed(*shed) == [False, False]
    assert node.watch_loaded().events[0][0] == "hello"
    assert node.watch().named("bye") == [(None, {"reason": "shed"})]
