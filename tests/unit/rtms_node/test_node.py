"""The node as a whole on a real loop: what it does by itself while time goes by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from prometheus_client import CollectorRegistry

from rtms_node.antientropy import AntiEntropyTimes
from rtms_node.limits import Limits
from rtms_node.node import Node
from rtms_node.testing import MemorySource, RecordingTransport
from rtms_node.viewer import Viewer
from service.tasks import TaskHome
from tests.support import eventually
from tests.unit.rtms_node.node_world import RecordingFeed, Watcher

MakeNode = Callable[[AntiEntropyTimes], Node]


@pytest.fixture
async def store() -> MemorySource:
    return MemorySource()


@pytest.fixture
async def make(store: MemorySource) -> AsyncIterator[MakeNode]:
    tasks, made = TaskHome(), []

    def make_node(times: AntiEntropyTimes) -> Node:
        node = Node(
            "node-1", Limits(linger_s=0.001, heartbeat_s=0.0), times, store, RecordingFeed(),
            tasks, CollectorRegistry(), on_reachable=lambda _: None,
        )  # fmt: skip
        made.append(node)
        node.start()
        return node

    yield make_node
    for node in made:
        node.close()
    await tasks.aclose()


def watch(node: Node, video_id: str = "v1") -> Watcher:
    transport = RecordingTransport()
    viewer = transport.protocol = Viewer(node.hub, transport, "a", None, 0)
    node.hub.join(viewer, video_id)
    return Watcher(viewer, transport)


def next_check_s(node: Node) -> float:
    """Seconds until the next anti-entropy check."""
    due = node._schedule.next_due
    assert due is not None
    return due - asyncio.get_running_loop().time()


async def test_a_lost_last_comment_is_found_although_nothing_follows(
    make: MakeNode, store: MemorySource
) -> None:
    node = make(AntiEntropyTimes(active_s=0.02))
    viewer = watch(node)
    await eventually(lambda: viewer.events)
    node.accept_message([store.post("v1")])
    store.post("v1")
    await eventually(lambda: viewer.seqs == [1, 2])


async def test_a_quiet_video_is_checked_soon_once_it_is_active_again(
    make: MakeNode, store: MemorySource
) -> None:
    node = make(AntiEntropyTimes(active_s=0.02, quiet_s=3600.0))
    viewer = watch(node)
    node.hub.rooms["v1"].active_at -= 3600.0
    await eventually(lambda: next_check_s(node) > 60.0)
    store.post("v1")
    node.accept_message([store.batch("v1", 1, 1)])
    assert viewer.seqs == [1]
    store.post("v1")
    await eventually(lambda: viewer.seqs == [1, 2])


async def test_checks_go_on_for_videos_that_are_left_when_another_closes(
    make: MakeNode, store: MemorySource
) -> None:
    node = make(AntiEntropyTimes(active_s=0.02))
    watch(node, "v2").transport.close()
    viewer = watch(node)
    await eventually(lambda: "v2" not in node.hub.rooms)
    await eventually(lambda: viewer.events)
    store.post("v1")
    await eventually(lambda: viewer.seqs == [1])


async def test_a_node_is_kept_up_when_viewers_come_back_after_all_had_left(make: MakeNode) -> None:
    node = make(AntiEntropyTimes())
    watch(node).transport.close()
    await eventually(lambda: not node.hub.rooms)
    viewer = watch(node)
    await eventually(lambda: b": hb" in viewer.transport.written)


async def test_a_node_without_viewers_reads_nothing(make: MakeNode, store: MemorySource) -> None:
    node = make(AntiEntropyTimes(active_s=0.001, quiet_s=0.001))
    watch(node).transport.close()
    await eventually(lambda: not node.hub.rooms)
    for _ in range(3):  # what was asked for before is read
        await asyncio.sleep(0)
    reads = len(store.reads)
    viewer = watch(make(AntiEntropyTimes(active_s=0.001)), "v2")
    await eventually(lambda: len(store.reads) > reads + 10)
    assert viewer.events
    assert all(read == ("heads", ("v2",)) for read in store.reads[reads:])
