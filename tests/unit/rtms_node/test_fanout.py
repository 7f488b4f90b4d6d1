from __future__ import annotations

from rtms_node.testing import MemorySource
from tests.support import eventually
from tests.unit.rtms_node.conftest import MakeNode
from tests.unit.rtms_node.node_world import Node

E = MemorySource().epoch


async def test_live_comments_arrive_at_once_in_one_frame_each(node: Node) -> None:
    viewer = node.watch_loaded()
    node.hub.ingest(node.store.post("v1"))
    assert viewer.events[-1][:2] == ("comment", f"{E}-1")


async def test_large_audiences_are_walked_in_slices_and_nobody_is_missed(
    make_node: MakeNode,
) -> None:
    node = make_node(slice_size=10)
    viewers = [node.watch_loaded() for _ in range(55)]
    node.hub.ingest(node.store.post("v1"))
    assert sum(bool(viewer.seqs) for viewer in viewers) == 10
    node.hub.ingest(node.store.post("v1"))
    viewers[30].transport.close()
    await eventually(lambda: all(v.seqs == [1, 2] for v in viewers[:30] + viewers[31:]))


async def test_frames_of_a_busy_video_leave_in_one_write(make_node: MakeNode) -> None:
    node = make_node(tick_min_s=0.05, tick_max_s=0.05)
    viewer = node.watch_loaded()
    node.hub.ingest(node.store.post("v1"))
    before = viewer.transport.writes
    for _ in range(20):
        node.hub.ingest(node.store.post("v1"))
    await eventually(lambda: len(viewer.seqs) == 21)
    assert viewer.transport.writes == before + 1


async def test_post_to_write_is_noted_once_per_batch(node: Node) -> None:
    node.watch_loaded()
    batch = node.store.post("v1", 3)
    node.hub.ingest(type(batch)("v1", E, 1, batch.comments, accepted_at=123.0))
    assert node.observed == [123.0]


async def test_a_closed_room_has_no_round_left(slow_node: Node) -> None:
    slow_node.watch_loaded()
    slow_node.clock.advance(1)
    for _ in range(2):  # the second one waits for the tick
        slow_node.hub.ingest(slow_node.store.post("v1"))
    slow_node.hub.close()
    slow_node.clock.advance(60)
    assert slow_node.stats.deliveries == 1
    assert slow_node.observed == []
