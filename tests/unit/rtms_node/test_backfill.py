from __future__ import annotations

from rtms_node.testing import MemorySource
from tests.support import eventually
from tests.unit.rtms_node.conftest import MakeNode
from tests.unit.rtms_node.node_world import Node

E = MemorySource().epoch


async def test_viewers_share_one_backfill(node: Node) -> None:
    node.store.post("v1", 100)
    viewers = [node.watch(cursor=f"{E}-{cursor}") for cursor in (50, 10, 90, 10)]
    node.reads.answer_heads()
    assert len(node.reads.ranges) == 1
    while node.reads.ranges:
        node.reads.answer_range()
    for viewer, cursor in zip(viewers, (50, 10, 90, 10), strict=True):
        assert viewer.seqs == list(range(cursor + 1, 101))
    assert node.stats.backfills <= 2


async def test_comments_that_arrive_during_a_backfill_come_after_it(node: Node) -> None:
    node.store.post("v1", 50)
    viewer = node.watch()
    node.reads.answer_heads()
    node.hub.ingest(node.store.post("v1", 2))
    assert viewer.seqs == []
    node.reads.answer_range()
    assert viewer.seqs == list(range(31, 53))


async def test_a_failed_backfill_is_tried_again_and_shows_no_part(node: Node) -> None:
    node.store.post("v1", 50)
    viewer = node.watch()
    node.reads.answer_heads()
    node.reads.answer_range(fail=True)
    assert viewer.seqs == []
    await eventually(lambda: node.reads.ranges)
    node.reads.answer_range()
    assert viewer.seqs == list(range(31, 51))


async def test_a_failed_backfill_pauses_however_many_comments_come(slow_node: Node) -> None:
    slow_node.store.post("v1", 50)
    behind, live = slow_node.watch(cursor=f"{E}-30"), slow_node.watch(cursor=f"{E}-50")
    slow_node.reads.answer_heads()
    slow_node.reads.answer_range(fail=True)
    for _ in range(20):
        slow_node.hub.ingest(slow_node.store.post("v1"))
        slow_node.clock.advance(0.02)
        assert not slow_node.reads.ranges
    assert live.seqs == list(range(51, 71))
    slow_node.clock.advance(0.1)
    slow_node.reads.answer_range()
    assert behind.seqs == list(range(31, 71))
    assert (slow_node.stats.backfills, slow_node.stats.failed_reads) == (2, 1)


async def test_who_joins_during_that_pause_shares_the_next_backfill(
    slow_node: Node,
) -> None:
    slow_node.store.post("v1", 50)
    slow_node.watch()
    slow_node.reads.answer_heads()
    slow_node.reads.answer_range(fail=True)
    slow_node.clock.advance(0.3)
    late = slow_node.watch(cursor=f"{E}-10")
    assert not slow_node.reads.ranges
    slow_node.clock.advance(0.2)
    assert slow_node.reads.answer_range() == (10, 50)
    assert late.seqs == list(range(11, 51))
    slow_node.clock.advance(60)
    assert not slow_node.reads.ranges


async def test_retention_is_named_in_a_gap(node: Node) -> None:
    node.store.post("v1", 50)
    node.store.oldest["v1"] = 41
    viewer = node.watch_loaded(cursor=f"{E}-5")
    assert viewer.named("gap") == [(f"{E}-40", {"from": 6, "to": 40, "reason": "retention"})]
    assert viewer.seqs == list(range(41, 51))


async def test_waiting_for_a_backfill_ends_with_bye_unavailable(make_node: MakeNode) -> None:
    node = make_node(hello_wait_s=0.0)
    node.store.post("v1", 5)
    viewer = node.watch()
    node.reads.answer_heads()
    node.upkeep.sweep()
    assert [name for name, _, _ in viewer.events] == ["hello", "bye"]


async def test_a_viewer_slower_than_the_ring_gets_a_backfill_or_a_gap(
    make_node: MakeNode,
) -> None:
    node = make_node(max_frames=300)
    viewer = node.watch_loaded()
    viewer.transport.fill()
    for _ in range(30):
        node.hub.ingest(node.store.post("v1", 100))
    viewer.transport.drain()
    node.reads.answer_range()
    gap = viewer.named("gap")[0][1]
    assert gap == {"from": 1, "to": 2000, "reason": "memory"}
    assert viewer.seqs == list(range(2001, 3001))


async def test_a_viewer_that_is_told_to_go_gets_nothing_of_a_late_backfill(
    make_node: MakeNode,
) -> None:
    node = make_node(hello_wait_s=0.0)
    node.store.post("v1", 5)
    viewer = node.watch()
    node.reads.answer_heads()
    viewer.transport.unsent = True
    node.upkeep.sweep()
    node.reads.answer_range()
    assert [name for name, _, _ in viewer.events] == ["hello", "bye"]


async def test_a_room_that_closes_during_the_pause_asks_for_nothing_more(slow_node: Node) -> None:
    slow_node.store.post("v1", 50)
    slow_node.watch()
    slow_node.reads.answer_heads()
    slow_node.reads.answer_range(fail=True)
    slow_node.hub.close()
    slow_node.clock.advance(60)
    assert not slow_node.reads.ranges


async def test_a_range_that_comes_after_its_room_closed_is_ignored(slow_node: Node) -> None:
    slow_node.store.post("v1", 50)
    viewer = slow_node.watch()
    slow_node.reads.answer_heads()
    slow_node.hub.close()
    slow_node.reads.answer_range()
    assert [name for name, _, _ in viewer.events] == ["hello", "bye"]
