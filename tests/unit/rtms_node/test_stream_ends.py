"""Streams that end with their ticket: who is taken when, and what it costs those without."""

from __future__ import annotations

import sys

from identity.revocations import Revocations
from rtms_node.limits import Limits
from rtms_node.stream_ends import StreamEnds
from rtms_node.testing import ManualClock, MemorySource
from rtms_node.viewer import Viewer
from tests.unit.rtms_node.node_world import Node

E = MemorySource().epoch


def viewers_of(node: Node, count: int) -> list[Viewer]:
    return [node.watch(f"v{number}").viewer for number in range(count)]


async def test_each_is_taken_once_within_its_last_second(node: Node) -> None:
    ends = StreamEnds()
    soon, later, gone = viewers_of(node, 3)
    ends.add(soon, 10.9)
    ends.add(later, 12.0)
    ends.add(gone, 10.1)
    ends.discard(gone)
    ends.discard(gone)
    assert ends.take(9.99) == []
    assert ends.take(10.0) == [soon]
    assert ends.take(11.99) == []
    assert ends.take(500.0) == [later]
    assert len(ends) == 0


async def test_who_comes_late_is_taken_next(node: Node) -> None:
    """Time has gone on since the end of its ticket was computed."""
    ends = StreamEnds()
    (viewer,) = viewers_of(node, 1)
    ends.take(100.0)
    ends.add(viewer, 99.5)
    assert ends.take(101.0) == [viewer]


async def test_an_empty_node_walks_over_nothing_after_a_long_sleep(node: Node) -> None:
    ends = StreamEnds()
    assert ends.take(1e12) == []
    (viewer,) = viewers_of(node, 1)
    ends.add(viewer, 1e12 + 5)
    assert ends.take(1e12 + 5) == [viewer]


async def test_a_stream_ends_with_its_ticket_and_others_go_on(slow_node: Node) -> None:
    with_ticket, without = slow_node.watch_loaded(ends_at=50.0), slow_node.watch_loaded()
    other = slow_node.watch_loaded(ends_at=80.0)
    slow_node.clock.advance(49.0)
    slow_node.upkeep.sweep()
    assert not with_ticket.named("bye")
    slow_node.clock.advance(1.0)
    slow_node.upkeep.sweep()
    assert with_ticket.events[-1] == ("bye", None, {"reason": "expired"})
    slow_node.clock.advance(1.0)
    assert with_ticket.transport.closed
    assert not without.named("bye")
    assert not other.named("bye")
    assert slow_node.stats.byes == {"expired": 1}


async def test_a_ticket_that_is_over_gets_a_bye_and_no_hello(slow_node: Node) -> None:
    slow_node.clock.advance(100.0)
    for ends_at in (100.0, 99.0, -5.0):
        late = slow_node.watch("v1", f"{E}-7", ends_at=ends_at)
        assert late.events == [("bye", f"{E}-7", {"reason": "expired"})]
        slow_node.clock.advance(1.0)
        assert late.transport.closed
    assert not slow_node.hub.rooms, "no room is opened for it"
    assert len(slow_node.hub.ends) == 0


async def test_only_viewers_with_a_ticket_are_kept_and_none_for_longer(slow_node: Node) -> None:
    plain = [slow_node.watch() for _ in range(10)]
    assert len(slow_node.hub.ends) == 0
    ticketed = [slow_node.watch(ends_at=10.0 + number) for number in range(10)]
    assert len(slow_node.hub.ends) == len(ticketed)
    for watcher in (*plain, *ticketed):
        watcher.transport.abort()
    assert len(slow_node.hub.ends) == 0
    assert not slow_node.hub.ends._slots


async def test_many_ends_at_once_let_others_run_between() -> None:
    node = Node(Limits(slice_size=2), clock=ManualClock())
    watchers = [node.watch_loaded(ends_at=50.0) for _ in range(5)]

    def ended() -> int:
        return sum(bool(watcher.named("bye")) for watcher in watchers)

    node.clock.advance(50.0)
    node.upkeep.sweep()
    assert ended() == 2
    node.clock.advance(0.0)
    assert ended() == 5


async def test_a_thousand_ends_cost_little_memory(node: Node) -> None:
    """Of each viewer with a ticket: an entry in two tables, and nothing of its own."""
    ends = StreamEnds()
    for number, viewer in enumerate(viewers_of(node, 1000)):
        ends.add(viewer, 14_000.0 + number % 100)
    tables = [ends._slot_of, ends._slots, *ends._slots.values()]
    assert sum(map(sys.getsizeof, tables)) < 250 * 1000


async def test_nobody_with_a_ticket_is_let_in_before_it_is_known_what_is_revoked(
    slow_node: Node,
) -> None:
    revocations = Revocations(known=False)
    slow_node.hub.ends.revoke(revocations)
    without = slow_node.watch_loaded()
    early = slow_node.watch_loaded(ends_at=50.0, issue=("u_ann", 5))
    assert early.events[-1] == ("bye", None, {"reason": "unavailable"})
    assert not without.named("bye")
    revocations.learn({}, 0)
    slow_node.hub.ends.revoke(revocations)
    assert not slow_node.watch_loaded(ends_at=50.0, issue=("u_ann", 5)).named("bye")
