"""When the viewers of a room are told how many watch, and in which writes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from rtms_node.limits import Limits
from rtms_node.testing import ManualClock
from rtms_node.viewer_total import JOIN_S, TOLD_EVERY_S
from tests.unit.rtms_node.node_world import Node, Watcher
from wire.internal import State
from wire.rulings import Settings

LATER = TOLD_EVERY_S + JOIN_S
TIMER_S = 0.01  # how early it may be


def told(watcher: Watcher) -> list[tuple[int, int]]:
    return [(data["now"], data["peak"]) for _, data in watcher.named("viewers")]


def learn(node: Node, now: int, peak: int = 0) -> None:
    node.hub.rooms["v1"].total.learn(now, peak)


def writes(watcher: Watcher) -> int:
    return watcher.transport.writes


@pytest.fixture
def watched(slow_node: Node) -> tuple[Node, Watcher]:
    """One viewer, who was told of seven."""
    watcher = slow_node.watch_loaded()
    learn(slow_node, 7, 9)
    slow_node.clock.advance(JOIN_S)
    assert told(watcher) == [(7, 9)]
    slow_node.clock.advance(60)
    return slow_node, watcher


def test_it_moves_no_cursor(watched: tuple[Node, Watcher]) -> None:
    assert [event_id for event_id, _ in watched[1].named("viewers")] == [None]


def test_who_comes_later_is_told_with_the_hello(watched: tuple[Node, Watcher]) -> None:
    node, _ = watched
    late = node.watch_loaded()
    assert [event for event, _, _ in late.events] == ["hello", "viewers"]
    assert told(late) == [(7, 9)]
    assert writes(late) == 1


def test_the_state_has_it_too(slow_node: Node) -> None:
    slow_node.store.states["v1"] = State(settings=Settings(closed=True), settings_seq=1)
    first = slow_node.watch_loaded()
    assert "viewers" not in first.named("state")[0][1]
    for now in (7, 8):
        learn(slow_node, now, 9)
        late = slow_node.watch_loaded()
        assert [event for event, _, _ in late.events] == ["hello", "state", "viewers"]
        assert late.named("state")[0][1]["viewers"] == {"now": now, "peak": 9}


def test_nobody_is_told_of_what_did_not_change(watched: tuple[Node, Watcher]) -> None:
    node, watcher = watched
    before = writes(watcher)
    learn(node, 7, 9)
    node.clock.advance(60)
    assert writes(watcher) == before


def test_changes_come_every_two_seconds_at_most(watched: tuple[Node, Watcher]) -> None:
    node, watcher = watched
    times = []
    for now in range(10, 90):
        learn(node, now, 99)
        before = len(told(watcher))
        node.clock.advance(0.1)
        times += [node.clock.time()] * (len(told(watcher)) - before)
    assert 2 <= len(times) <= 4
    assert all(later - sooner > TOLD_EVERY_S - 2 * TIMER_S for sooner, later in pairwise(times))
    node.clock.advance(LATER)
    assert told(watcher)[-1] == (89, 99)


def test_a_change_that_is_over_before_it_is_told_is_none(watched: tuple[Node, Watcher]) -> None:
    node, watcher = watched
    learn(node, 8, 9)
    learn(node, 7, 9)
    node.clock.advance(60)
    assert told(watcher) == [(7, 9)]


@pytest.mark.parametrize(("now", "news"), [(1009, False), (1010, True), (991, False), (990, True)])
def test_above_a_hundred_only_a_change_of_a_percent_is_told(
    slow_node: Node, now: int, news: bool
) -> None:
    watcher = slow_node.watch_loaded()
    learn(slow_node, 1000, 2000)
    slow_node.clock.advance(LATER)
    learn(slow_node, now, 2000)
    slow_node.clock.advance(LATER)
    assert told(watcher) == [(1000, 2000)] + [(now, 2000)] * news


def test_many_small_changes_become_a_large_one(slow_node: Node) -> None:
    watcher = slow_node.watch_loaded()
    for now in range(1000, 1015):
        learn(slow_node, now, 2000)
        slow_node.clock.advance(LATER)
    assert told(watcher) == [(1000, 2000), (1010, 2000)]


def test_a_viewer_is_in_every_total_that_it_is_told(slow_node: Node) -> None:
    """Writers are away, or do not know of it yet."""
    watchers = [slow_node.watch_loaded() for _ in range(3)]
    learn(slow_node, 1, 1)
    slow_node.clock.advance(LATER)
    assert [told(watcher) for watcher in watchers] == [[(3, 3)]] * 3


def test_it_goes_with_comments_in_the_same_write(watched: tuple[Node, Watcher]) -> None:
    node, watcher = watched
    learn(node, 8, 9)
    before = writes(watcher)
    node.hub.ingest(node.store.post("v1"))
    assert [event for event, _, _ in watcher.events[-2:]] == ["comment", "viewers"]
    assert (writes(watcher), told(watcher)[-1]) == (before + 1, (8, 9))
    node.clock.advance(60)
    assert writes(watcher) == before + 1
    assert node.stats.viewer_writes == 1  # of the first one, which went alone


def test_a_round_that_is_put_off_takes_it_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", max)
    node = Node(Limits(tick_min_s=0.8, tick_max_s=0.8), clock=ManualClock())
    watcher = node.watch_loaded()
    learn(node, 7, 9)
    node.clock.advance(JOIN_S)
    learn(node, 8, 9)  # it is time for it after TOLD_EVERY_S, and has to go after JOIN_S more
    node.clock.advance(TOLD_EVERY_S - 0.1)
    node.hub.ingest(node.store.post("v1"))  # goes at once
    node.hub.ingest(node.store.post("v1"))  # goes after the tick, which is later
    node.clock.advance(JOIN_S + 0.15)
    before = told(watcher)
    node.clock.advance(0.2)
    assert (before, watcher.seqs, told(watcher)) == ([(7, 9)], [1, 2], [(7, 9), (8, 9)])


def test_alone_it_is_the_heartbeat_of_its_room(watched: tuple[Node, Watcher]) -> None:
    node, watcher = watched
    node.upkeep.heartbeat()
    before = writes(watcher)
    learn(node, 8, 9)
    node.clock.advance(JOIN_S)
    node.clock.advance(node.limits.heartbeat_s - JOIN_S)
    node.upkeep.heartbeat()
    assert writes(watcher) == before + 1


def test_who_takes_no_bytes_is_told_when_it_does_again(watched: tuple[Node, Watcher]) -> None:
    node, watcher = watched
    other = node.watch_loaded()
    watcher.transport.fill()
    learn(node, 8, 9)
    node.clock.advance(LATER)
    assert (told(watcher)[-1], told(other)[-1]) == ((7, 9), (8, 9))
    learn(node, 12, 12)
    node.clock.advance(LATER)
    watcher.transport.drain()
    assert told(watcher) == [(7, 9), (12, 12)]
    node.clock.advance(60)
    assert told(watcher) == [(7, 9), (12, 12)]


def test_who_leaves_meanwhile_is_forgotten(watched: tuple[Node, Watcher]) -> None:
    node, watcher = watched
    node.watch_loaded()
    watcher.transport.fill()
    learn(node, 8, 9)
    node.clock.advance(LATER)
    watcher.transport.close()
    assert not node.hub.rooms["v1"]._fanout._missed


def test_who_waits_for_older_comments_is_told_after_them() -> None:
    node = Node(Limits(max_frames=1), clock=ManualClock())
    node.store.post("v1", 5)
    node.watch_loaded()
    node.hub.rooms["v1"].drop_frames()
    late = node.watch("v1")
    node.reads.answer_heads()
    learn(node, 8, 9)
    node.clock.advance(LATER)
    assert (late.seqs, told(late)) == ([], [])
    while node.reads.ranges:
        node.reads.answer_range()
    assert (late.seqs, told(late)) == ([1, 2, 3, 4, 5], [(8, 9)])


def test_a_large_room_is_told_in_slices_and_nobody_is_missed() -> None:
    node = Node(Limits(slice_size=10), clock=ManualClock())
    watchers = [node.watch_loaded() for _ in range(55)]
    learn(node, 60, 60)
    node.clock.advance(LATER)
    assert {tuple(told(watcher)) for watcher in watchers} == {((60, 60),)}


def test_a_closed_room_tells_nothing(slow_node: Node) -> None:
    watcher: Any = slow_node.watch_loaded()
    learn(slow_node, 7)
    slow_node.hub.close()
    slow_node.clock.advance(60)
    assert told(watcher) == []
