from __future__ import annotations

from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from rtms_node.antientropy import AntiEntropyTimes
from rtms_node.hub import Hub
from rtms_node.limits import Limits
from rtms_node.node import Node
from service.tasks import TaskHome
from single.sink import HubSink, NoFeed
from wire.internal import Batch
from writer.testing import MemoryStore


def batch(video_id: str) -> Batch:
    return Batch(video_id, "testepoch001", 1, (msgspec.Raw(b"{}"),))


def build_node(source: Any) -> Node:
    return Node(
        "single-1", Limits(), AntiEntropyTimes(), source, NoFeed(), TaskHome(), CollectorRegistry(),
        on_reachable=lambda _: None,
    )  # fmt: skip


async def test_the_hub_is_looked_up_when_a_batch_comes() -> None:
    asked: list[Hub] = []

    def find_hub() -> Hub:
        asked.append(node.hub)
        return node.hub

    sink = HubSink(find_hub)
    node = build_node(MemoryStore())
    assert not asked
    sink.offer(batch("v"))
    assert asked


async def test_a_video_that_nobody_watches_is_not_kept() -> None:
    node = build_node(MemoryStore())
    HubSink(lambda: node.hub).offer(batch("v"))
    assert not node.hub.rooms
