from __future__ import annotations

from rtms_node.testing import MemorySource
from tests.support import eventually
from tests.unit.rtms_node.node_world import Node
from wire.internal import Batch, RangeReply

E = MemorySource().epoch


async def test_a_repeated_forward_changes_nothing(node: Node) -> None:
    viewer = node.watch_loaded()
    batch = node.store.post("v1", 3)
    for _ in range(3):
        node.hub.ingest(batch)
    node.hub.ingest(node.store.batch("v1", 2, 3))
    assert viewer.seqs == [1, 2, 3]
    assert node.stats.repeated == 8


async def test_forwards_that_overlap_are_merged(node: Node) -> None:
    viewer = node.watch_loaded()
    node.store.post("v1", 5)
    node.hub.ingest(node.store.batch("v1", 1, 3))
    node.hub.ingest(node.store.batch("v1", 2, 5))
    await eventually(lambda: viewer.seqs == [1, 2, 3, 4, 5])


async def test_a_later_comment_waits_for_the_earlier_one(node: Node) -> None:
    viewer = node.watch_loaded()
    first, second = node.store.post("v1"), node.store.post("v1")
    node.hub.ingest(second)
    assert viewer.seqs == []
    node.hub.ingest(first)
    assert viewer.seqs == [1, 2]


async def test_a_hole_that_stays_is_read_from_the_store(node: Node) -> None:
    viewer = node.watch_loaded()
    node.store.post("v1", 4)
    node.hub.ingest(node.store.batch("v1", 4, 4))
    await eventually(lambda: node.reads.ranges)
    assert node.reads.answer_range() == (0, 1000)
    assert viewer.seqs == [1, 2, 3, 4]


async def test_a_failed_repair_is_tried_again(node: Node) -> None:
    viewer = node.watch_loaded()
    node.store.post("v1", 4)
    node.hub.ingest(node.store.batch("v1", 4, 4))
    await eventually(lambda: node.reads.ranges)
    node.reads.answer_range(fail=True)
    await eventually(lambda: node.reads.ranges)
    node.reads.answer_range()
    assert viewer.seqs == [1, 2, 3, 4]


async def test_the_last_comment_before_silence_is_found_by_antientropy(node: Node) -> None:
    viewer = node.watch_loaded()
    node.store.post("v1", 2)  # never forwarded
    node.hub.check("v1")
    node.reads.answer_heads()
    await eventually(lambda: node.reads.ranges)
    node.reads.answer_range()
    assert viewer.seqs == [1, 2]


async def test_many_missing_comments_are_read_in_turns(node: Node) -> None:
    viewer = node.watch_loaded()
    node.store.post("v1", 2500)
    node.hub.check("v1")
    node.reads.answer_heads()
    for after in (0, 1000, 2000):
        await eventually(lambda: node.reads.ranges)
        assert node.reads.answer_range() == (after, after + 1000)
    await eventually(lambda: viewer.seqs == list(range(1, 2501)))


async def test_a_writer_that_lacks_what_another_has_is_not_asked_again_at_once(
    slow_node: Node,
) -> None:
    viewer = slow_node.watch_loaded()
    slow_node.store.post("v1", 3)
    slow_node.hub.check("v1")
    slow_node.reads.answer_heads()
    slow_node.clock.advance(0.1)
    slow_node.reads.ranges.pop()[3](RangeReply(E, 1, 0, 1, ()))
    slow_node.clock.advance(0.4)
    assert not slow_node.reads.ranges
    slow_node.clock.advance(0.1)
    slow_node.reads.answer_range()
    assert viewer.seqs == [1, 2, 3]


async def test_a_forward_of_another_epoch_is_dropped_and_asks_the_store(node: Node) -> None:
    viewer = node.watch_loaded()
    node.hub.ingest(Batch("v1", "forgedepoch0", 1, node.store.post("v1").comments))
    assert viewer.seqs == []
    assert "v1" in node.reads.heads
    assert node.stats.foreign_epoch == 1


async def test_many_forwards_of_another_epoch_ask_the_store_twice_a_second(slow_node: Node) -> None:
    slow_node.watch_loaded()
    batch = Batch("v1", "forgedepoch0", 1, slow_node.store.post("v1").comments)
    before = slow_node.reads.last_ticket
    for _ in range(100):
        slow_node.hub.ingest(batch)
        slow_node.reads.answer_heads()
        slow_node.clock.advance(0.01)
    assert slow_node.reads.last_ticket - before == 2


async def test_a_head_that_went_back_is_believed_when_seen_twice(node: Node) -> None:
    viewer = node.watch_loaded()
    node.hub.ingest(node.store.post("v1", 3))
    node.store.restart(E)
    node.store.post("v1", 1)
    node.hub.check("v1")
    node.reads.answer_heads()
    assert viewer.named("reset") == []
    node.reads.answer_heads()
    assert viewer.named("reset") == [(f"{E}-0", {"reason": "epoch"})]
    assert node.stats.regressions == 2


async def test_an_old_head_reply_is_no_regression(node: Node) -> None:
    viewer = node.watch_loaded()
    node.hub.check("v1")
    ticket, answer = node.reads.last_ticket, node.reads.heads.pop("v1")
    node.hub.ingest(node.store.post("v1", 3))
    answer(E, 0, ticket)
    answer(E, 0, ticket)
    assert node.stats.regressions == 0
    assert viewer.seqs == [1, 2, 3]


async def test_a_hole_that_is_there_at_the_load_is_repaired_soon(node: Node) -> None:
    node.store.post("v1", 10)
    viewer = node.watch()
    node.store.post("v1", 2)
    node.hub.ingest(node.store.batch("v1", 12, 12))
    node.reads.heads["v1"](E, 10, node.reads.last_ticket)
    node.reads.answer_range()  # the replay
    await eventually(lambda: node.reads.ranges)
    node.reads.answer_range()
    assert viewer.seqs == list(range(1, 13))
