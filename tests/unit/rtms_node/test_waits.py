from __future__ import annotations

from rtms_node.testing import RecordingTransport
from rtms_node.viewer import Viewer
from rtms_node.waits import Waits
from tests.unit.rtms_node.node_world import Node


def viewers(node: Node, count: int) -> list[Viewer]:
    return [Viewer(node.hub, RecordingTransport(), "a", None, 0) for _ in range(count)]


async def test_those_that_wait_longest_are_taken_once(node: Node) -> None:
    waits = Waits()
    first, second, third = viewers(node, 3)
    for at, viewer in enumerate((first, second, third)):
        waits.begin(viewer, float(at))
    assert waits.take_since(1.0) == [first, second]
    assert waits.take_since(1.0) == []
    assert len(waits) == 1


async def test_a_wait_that_goes_on_keeps_its_beginning(node: Node) -> None:
    waits = Waits()
    (viewer,) = viewers(node, 1)
    waits.begin(viewer, 0.0)
    waits.begin(viewer, 5.0)
    assert waits.take_since(0.0) == [viewer]


async def test_who_waits_no_longer_is_not_taken(node: Node) -> None:
    waits = Waits()
    (viewer,) = viewers(node, 1)
    waits.begin(viewer, 0.0)
    waits.end(viewer)
    waits.end(viewer)
    assert waits.take_since(1.0) == []


async def test_nobody_waits_once_everybody_has_left_or_is_served(node: Node) -> None:
    served, waiting = node.watch_loaded("v2"), node.watch("v1")
    node.hub.ingest(node.store.post("v2", 3))
    node.hub.rooms["v2"].drop_frames()
    behind = node.watch("v2", cursor=f"{node.store.epoch}-0")
    assert len(node.context.waits) == 2
    waiting.transport.close()
    node.reads.answer_range()
    assert behind.seqs == [1, 2, 3] == served.seqs
    assert len(node.context.waits) == 0
