from __future__ import annotations

from rtms_node.testing import MemorySource
from tests.support import eventually
from tests.unit.rtms_node.conftest import MakeNode
from tests.unit.rtms_node.node_world import Node

E = MemorySource().epoch


async def test_hello_comes_first_and_its_id_is_where_the_stream_starts(node: Node) -> None:
    node.store.post("v1", 30)
    viewer = node.watch_loaded()
    name, event_id, data = viewer.events[0]
    assert (name, event_id) == ("hello", f"{E}-10")
    assert data == {"video_id": "v1", "node_id": "node-1", "epoch": E, "head": f"{E}-30"}
    assert viewer.seqs == list(range(11, 31))


async def test_a_quiet_room_gives_a_cursor_too(node: Node) -> None:
    assert node.watch_loaded().events[0][:2] == ("hello", f"{E}-0")


async def test_a_cursor_is_resumed_from_exactly_there(node: Node) -> None:
    node.store.post("v1", 30)
    viewer = node.watch_loaded(cursor=f"{E}-3")
    assert viewer.events[0][:2] == ("hello", f"{E}-3")
    assert viewer.seqs == list(range(4, 31))


async def test_nothing_is_said_before_the_head_is_known(node: Node) -> None:
    viewer = node.watch()
    node.hub.ingest(node.store.post("v1"))
    assert viewer.events == []
    node.reads.answer_heads()
    assert viewer.events[0][0] == "hello"


async def test_a_cursor_far_behind_gets_a_gap_and_the_last_thousand(node: Node) -> None:
    node.store.post("v1", 5000)
    viewer = node.watch_loaded(cursor=f"{E}-10")
    assert viewer.events[0][:2] == ("hello", f"{E}-10")
    assert viewer.events[1] == ("gap", f"{E}-4000", {"from": 11, "to": 4000, "reason": "limit"})
    assert viewer.seqs == list(range(4001, 5001))


async def test_a_cursor_beyond_the_ring_is_judged_by_the_store(node: Node) -> None:
    node.watch_loaded()
    node.store.post("v1", 5)  # this node has not heard of them
    viewer = node.watch(cursor=f"{E}-5")
    assert viewer.events == []
    node.reads.answer_heads()
    assert viewer.events == [("hello", f"{E}-5", viewer.events[0][2])]
    node.hub.ingest(node.store.batch("v1", 1, 5))
    node.hub.ingest(node.store.post("v1"))
    await eventually(lambda: viewer.seqs == [6])


async def test_no_writer_may_answer_from_memory_below_what_a_viewer_has_seen(node: Node) -> None:
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


async def test_a_head_read_before_the_join_does_not_judge_a_cursor(node: Node) -> None:
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
    node: Node,
) -> None:
    node.store.post("v1", 30)
    viewer = node.watch_loaded(cursor=f"{E}-31")
    assert viewer.events[0][:2] == ("hello", None)
    assert viewer.events[1] == ("reset", f"{E}-10", {"reason": "ahead"})
    assert viewer.seqs == list(range(11, 31))


async def test_a_new_epoch_resets_every_viewer(node: Node) -> None:
    viewer = node.watch_loaded()
    node.hub.ingest(node.store.post("v1", 3))
    node.store.restart("otherepoch00")
    node.store.post("v1", 2)
    node.hub.check("v1")
    node.reads.answer_heads()
    node.reads.answer_range()
    assert viewer.named("reset") == [("otherepoch00-0", {"reason": "epoch"})]
    assert viewer.seqs == [1, 2, 3, 1, 2]


async def test_waiting_for_the_head_ends_with_bye_unavailable(make_node: MakeNode) -> None:
    node = make_node(hello_wait_s=0.0)
    viewer = node.watch()
    node.upkeep.sweep()
    assert viewer.events == [("bye", None, {"reason": "unavailable"})]


async def test_nothing_follows_a_bye(make_node: MakeNode) -> None:
    node = make_node(hello_wait_s=0.0)
    node.store.post("v1", 3)
    viewer = node.watch()
    viewer.transport.unsent = True
    node.upkeep.sweep()
    node.upkeep.sweep()
    node.reads.answer_heads()
    assert [name for name, _, _ in viewer.events] == ["bye"]
    assert node.stats.byes["unavailable"] == 1
