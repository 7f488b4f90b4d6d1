from __future__ import annotations

from typing import Any

from rtms_node.testing import MemoryStore
from tests.support import eventually
from wire.internal import Batch, RangeReply

E = MemoryStore().epoch


async def test_hello_comes_first_and_its_id_is_where_the_stream_starts(node: Any) -> None:
    node.store.post("v1", 30)
    viewer = node.watch_loaded()
    name, event_id, data = viewer.events[0]
    assert (name, event_id) == ("hello", f"{E}-10")
    assert data == {"video_id": "v1", "node_id": "node-1", "epoch": E, "head": f"{E}-30"}
    assert viewer.seqs == list(range(11, 31))


async def test_a_quiet_room_gives_a_cursor_too(node: Any) -> None:
    assert node.watch_loaded().events[0][:2] == ("hello", f"{E}-0")


async def test_a_cursor_is_resumed_from_exactly_there(node: Any) -> None:
    node.store.post("v1", 30)
    viewer = node.watch_loaded(cursor=f"{E}-3")
    assert viewer.events[0][:2] == ("hello", f"{E}-3")
    assert viewer.seqs == list(range(4, 31))


async def test_nothing_is_said_before_the_head_is_known(node: Any) -> None:
    viewer = node.watch()
    node.hub.ingest(node.store.post("v1"))
    assert viewer.events == []
    node.reads.answer_heads()
    assert viewer.events[0][0] == "hello"


async def test_a_comment_forwarded_before_the_load_is_shown_once(node: Any) -> None:
    node.store.post("v1", 2)
    viewer = node.watch()
    batch = node.store.post("v1")
    node.hub.ingest(batch)
    node.reads.heads["v1"](E, 2, node.reads.last_ticket)  # a head read before the third
    node.reads.answer_range()
    node.hub.ingest(batch)
    assert viewer.seqs == [1, 2, 3]


async def test_live_comments_arrive_at_once_in_one_frame_each(node: Any) -> None:
    viewer = node.watch_loaded()
    node.hub.ingest(node.store.post("v1"))
    assert viewer.events[-1][:2] == ("comment", f"{E}-1")


async def test_a_repeated_forward_changes_nothing(node: Any) -> None:
    viewer = node.watch_loaded()
    batch = node.store.post("v1", 3)
    for _ in range(3):
        node.hub.ingest(batch)
    node.hub.ingest(node.store.batch("v1", 2, 3))
    assert viewer.seqs == [1, 2, 3]
    assert node.stats.repeated == 8


async def test_forwards_that_overlap_are_merged(node: Any) -> None:
    viewer = node.watch_loaded()
    node.store.post("v1", 5)
    node.hub.ingest(node.store.batch("v1", 1, 3))
    node.hub.ingest(node.store.batch("v1", 2, 5))
    await eventually(lambda: viewer.seqs == [1, 2, 3, 4, 5])


async def test_a_later_comment_waits_for_the_earlier_one(node: Any) -> None:
    viewer = node.watch_loaded()
    first, second = node.store.post("v1"), node.store.post("v1")
    node.hub.ingest(second)
    assert viewer.seqs == []
    node.hub.ingest(first)
    assert viewer.seqs == [1, 2]


async def test_a_hole_that_stays_is_read_from_the_store(node: Any) -> None:
    viewer = node.watch_loaded()
    node.store.post("v1", 4)
    node.hub.ingest(node.store.batch("v1", 4, 4))
    await eventually(lambda: node.reads.ranges)
    assert node.reads.answer_range() == (0, 1000)
    assert viewer.seqs == [1, 2, 3, 4]


async def test_a_failed_repair_is_tried_again(node: Any) -> None:
    viewer = node.watch_loaded()
    node.store.post("v1", 4)
    node.hub.ingest(node.store.batch("v1", 4, 4))
    await eventually(lambda: node.reads.ranges)
    node.reads.answer_range(fail=True)
    await eventually(lambda: node.reads.ranges)
    node.reads.answer_range()
    assert viewer.seqs == [1, 2, 3, 4]


async def test_the_last_comment_before_silence_is_found_by_antientropy(node: Any) -> None:
    viewer = node.watch_loaded()
    node.store.post("v1", 2)  # never forwarded
    node.hub.check("v1")
    node.reads.answer_heads()
    await eventually(lambda: node.reads.ranges)
    node.reads.answer_range()
    assert viewer.seqs == [1, 2]


async def test_many_missing_comments_are_read_in_turns(node: Any) -> None:
    viewer = node.watch_loaded()
    node.store.post("v1", 2500)
    node.hub.check("v1")
    node.reads.answer_heads()
    for after in (0, 1000, 2000):
        await eventually(lambda: node.reads.ranges)
        assert node.reads.answer_range() == (after, after + 1000)
    await eventually(lambda: viewer.seqs == list(range(1, 2501)))


async def test_a_cursor_far_behind_gets_a_gap_and_the_last_thousand(node: Any) -> None:
    node.store.post("v1", 5000)
    viewer = node.watch_loaded(cursor=f"{E}-10")
    assert viewer.events[0][:2] == ("hello", f"{E}-10")
    assert viewer.events[1] == ("gap", f"{E}-4000", {"from": 11, "to": 4000, "reason": "limit"})
    assert viewer.seqs == list(range(4001, 5001))


async def test_viewers_share_one_fill(node: Any) -> None:
    node.store.post("v1", 100)
    viewers = [node.watch(cursor=f"{E}-{cursor}") for cursor in (50, 10, 90, 10)]
    node.reads.answer_heads()
    assert len(node.reads.ranges) == 1
    while node.reads.ranges:
        node.reads.answer_range()
    for viewer, cursor in zip(viewers, (50, 10, 90, 10), strict=True):
        assert viewer.seqs == list(range(cursor + 1, 101))
    assert node.stats.backfills <= 2


async def test_comments_that_arrive_during_a_fill_come_after_it(node: Any) -> None:
    node.store.post("v1", 50)
    viewer = node.watch()
    node.reads.answer_heads()
    node.hub.ingest(node.store.post("v1", 2))
    assert viewer.seqs == []
    node.reads.answer_range()
    assert viewer.seqs == list(range(31, 53))


async def test_a_failed_fill_is_tried_again_and_shows_no_part(node: Any) -> None:
    node.store.post("v1", 50)
    viewer = node.watch()
    node.reads.answer_heads()
    node.reads.answer_range(fail=True)
    assert viewer.seqs == []
    await eventually(lambda: node.reads.ranges)
    node.reads.answer_range()
    assert viewer.seqs == list(range(31, 51))


async def test_a_failed_backfill_pauses_however_many_comments_come(slow_node: Any) -> None:
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


async def test_a_viewer_that_joins_during_that_pause_shares_the_next_fill(slow_node: Any) -> None:
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


async def test_a_writer_that_lacks_what_another_has_is_not_asked_again_at_once(
    slow_node: Any,
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


async def test_retention_is_named_in_a_gap(node: Any) -> None:
    node.store.post("v1", 50)
    node.store.oldest = 41
    viewer = node.watch_loaded(cursor=f"{E}-5")
    assert viewer.named("gap") == [(f"{E}-40", {"from": 6, "to": 40, "reason": "retention"})]
    assert viewer.seqs == list(range(41, 51))


async def test_retention_during_a_long_cut_is_named_in_a_gap(node: Any) -> None:
    node.store.post("v1", 5)
    viewer = node.watch_loaded()
    node.store.post("v1", 95)
    node.store.oldest = 61
    node.hub.check("v1")
    node.reads.answer_heads()
    await eventually(lambda: node.reads.ranges)
    node.reads.answer_range()
    await eventually(lambda: viewer.seqs == [1, 2, 3, 4, 5, *range(61, 101)])
    assert viewer.named("gap") == [(f"{E}-60", {"from": 6, "to": 60, "reason": "retention"})]


async def test_a_cursor_beyond_the_ring_is_judged_by_the_store(node: Any) -> None:
    node.watch_loaded()
    node.store.post("v1", 5)  # this node has not heard of them
    viewer = node.watch(cursor=f"{E}-5")
    assert viewer.events == []
    node.reads.answer_heads()
    assert viewer.events == [("hello", f"{E}-5", viewer.events[0][2])]
    node.hub.ingest(node.store.batch("v1", 1, 5))
    node.hub.ingest(node.store.post("v1"))
    await eventually(lambda: viewer.seqs == [6])


async def test_no_writer_may_answer_from_memory_below_what_a_viewer_has_seen(node: Any) -> None:
    node.watch_loaded()
    node.store.post("v1", 5)
    node.watch(cursor=f"{E}-5")
    node.watch(cursor=f"{E}-3")
    assert node.reads.seen["v1"] == 5
    node.reads.answer_heads()
    node.hub.ingest(node.store.batch("v1", 1, 5))
    node.reads.seen.clear()
    node.hub.check("v1")
    assert node.reads.seen["v1"] == 5  # nor below what this node has: that would look like a loss


async def test_a_head_read_before_the_join_does_not_judge_a_cursor(node: Any) -> None:
    node.watch_loaded()
    node.hub.check("v1")
    early_ticket, answer = node.reads.last_ticket, node.reads.heads.pop("v1")
    node.store.post("v1", 5)
    viewer = node.watch(cursor=f"{E}-5")
    answer(E, 0, early_ticket)
    assert viewer.events == []
    node.reads.answer_heads()
    assert viewer.named("reset") == []
    assert viewer.events[0][:2] == ("hello", f"{E}-5")


async def test_an_impossible_cursor_gives_reset_with_the_id_that_hello_leaves_out(
    node: Any,
) -> None:
    node.store.post("v1", 30)
    viewer = node.watch_loaded(cursor=f"{E}-31")
    assert viewer.events[0][:2] == ("hello", None)
    assert viewer.events[1] == ("reset", f"{E}-10", {"reason": "ahead"})
    assert viewer.seqs == list(range(11, 31))


async def test_a_new_epoch_resets_every_viewer(node: Any) -> None:
    viewer = node.watch_loaded()
    node.hub.ingest(node.store.post("v1", 3))
    node.store.restart("otherepoch00")
    node.store.post("v1", 2)
    node.hub.check("v1")
    node.reads.answer_heads()
    node.reads.answer_range()
    assert viewer.named("reset") == [("otherepoch00-0", {"reason": "epoch"})]
    assert viewer.seqs == [1, 2, 3, 1, 2]


async def test_a_forward_of_another_epoch_is_dropped_and_asks_the_store(node: Any) -> None:
    viewer = node.watch_loaded()
    node.hub.ingest(Batch("v1", "forgedepoch0", 1, node.store.post("v1").comments))
    assert viewer.seqs == []
    assert "v1" in node.reads.heads
    assert node.stats.foreign_epoch == 1


async def test_many_forwards_of_another_epoch_ask_the_store_twice_a_second(slow_node: Any) -> None:
    slow_node.watch_loaded()
    batch = Batch("v1", "forgedepoch0", 1, slow_node.store.post("v1").comments)
    before = slow_node.reads.last_ticket
    for _ in range(100):
        slow_node.hub.ingest(batch)
        slow_node.reads.answer_heads()
        slow_node.clock.advance(0.01)
    assert slow_node.reads.last_ticket - before == 2


async def test_a_head_that_went_back_is_believed_when_seen_twice(node: Any) -> None:
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


async def test_an_old_head_reply_is_no_regression(node: Any) -> None:
    viewer = node.watch_loaded()
    node.hub.check("v1")
    ticket, answer = node.reads.last_ticket, node.reads.heads.pop("v1")
    node.hub.ingest(node.store.post("v1", 3))
    answer(E, 0, ticket)
    answer(E, 0, ticket)
    assert node.stats.regressions == 0
    assert viewer.seqs == [1, 2, 3]


async def test_waiting_for_the_head_ends_with_bye_unavailable(make_node: Any) -> None:
    node = make_node(hello_wait_s=0.0)
    viewer = node.watch()
    node.hub.sweep()
    assert viewer.events == [("bye", None, {"reason": "unavailable"})]


async def test_waiting_for_a_fill_ends_with_bye_unavailable(make_node: Any) -> None:
    node = make_node(hello_wait_s=0.0)
    node.store.post("v1", 5)
    viewer = node.watch()
    node.reads.answer_heads()
    node.hub.sweep()
    assert [name for name, _, _ in viewer.events] == ["hello", "bye"]


async def test_late_answers_for_a_closed_room_are_ignored(node: Any) -> None:
    node.store.post("v1", 5)
    viewer = node.watch()
    answer = node.reads.heads["v1"]
    viewer.transport.close()
    await eventually(lambda: "v1" not in node.hub.rooms)
    answer(E, 5, node.reads.last_ticket)
    assert viewer.events == []


async def test_a_hole_that_is_there_at_the_load_is_repaired_soon(node: Any) -> None:
    node.store.post("v1", 10)
    viewer = node.watch()
    node.store.post("v1", 2)
    node.hub.ingest(node.store.batch("v1", 12, 12))
    node.reads.heads["v1"](E, 10, node.reads.last_ticket)
    node.reads.answer_range()  # the replay
    await eventually(lambda: node.reads.ranges)
    node.reads.answer_range()
    assert viewer.seqs == list(range(1, 13))


async def test_nothing_follows_a_bye(make_node: Any) -> None:
    node = make_node(hello_wait_s=0.0)
    node.store.post("v1", 3)
    viewer = node.watch()
    viewer.transport.close = lambda: None  # bytes are still unsent
    node.hub.sweep()
    node.hub.sweep()
    node.reads.answer_heads()
    assert [name for name, _, _ in viewer.events] == ["bye"]
    assert node.stats.byes["unavailable"] == 1
