from __future__ import annotations

from rtms_node.testing import MemorySource
from tests.support import eventually
from tests.unit.rtms_node.node_world import Node

E = MemorySource().epoch


async def test_a_comment_forwarded_before_the_load_is_shown_once(node: Node) -> None:
    node.store.post("v1", 2)
    viewer = node.watch()
    batch = node.store.post("v1")
    node.hub.ingest(batch)
    node.reads.heads["v1"](E, 2, node.reads.last_ticket)  # a head read before the third
    node.reads.answer_range()
    node.hub.ingest(batch)
    assert viewer.seqs == [1, 2, 3]


async def test_retention_during_a_long_cut_is_named_in_a_gap(node: Node) -> None:
    node.store.post("v1", 5)
    viewer = node.watch_loaded()
    node.store.post("v1", 95)
    node.store.oldest["v1"] = 61
    node.hub.check("v1")
    node.reads.answer_heads()
    await eventually(lambda: node.reads.ranges)
    node.reads.answer_range()
    await eventually(lambda: viewer.seqs == [1, 2, 3, 4, 5, *range(61, 101)])
    assert viewer.named("gap") == [(f"{E}-60", {"from": 6, "to": 60, "reason": "retention"})]


async def test_late_answers_for_a_closed_room_are_ignored(node: Node) -> None:
    node.store.post("v1", 5)
    viewer = node.watch()
    answer = node.reads.heads["v1"]
    viewer.transport.close()
    await eventually(lambda: "v1" not in node.hub.rooms)
    answer(E, 5, node.reads.last_ticket)
    assert viewer.events == []
