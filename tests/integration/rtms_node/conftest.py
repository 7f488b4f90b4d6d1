"""A node behind a real listener, on both event loops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from identity.readers import Readers
from rtms_node.antientropy import AntiEntropyTimes
from rtms_node.limits import Limits
from rtms_node.node import Node
from rtms_node.stream_listener import StreamListener
from rtms_node.testing import MemorySource
from service.edge import PublicEdge
from service.tasks import TaskHome
from tests.support import started


class AcksAtOnce:
    """A feed that announces at once."""

    node: Node

    def subscribe(self, video_id: str) -> None:
        self.node.announced(video_id)

    def unsubscribe(self, video_id: str) -> None: ...


class Served:
    """A listening node with a memory store."""

    def __init__(self, limits: Limits, edge: PublicEdge, readers: Readers | None = None) -> None:
        self.store = MemorySource()
        self.tasks = TaskHome()
        self.registry = CollectorRegistry()
        self._writers: list[asyncio.StreamWriter] = []
        feed = AcksAtOnce()
        self.node = feed.node = Node(
            "node-1", limits, AntiEntropyTimes(0.1, 0.1), self.store, feed, self.tasks,
            self.registry,
            on_reachable=lambda reachable: None,
        )  # fmt: skip
        self.listener = StreamListener(self.node.hub, edge, "127.0.0.1", 0, readers=readers)

    async def start(self) -> None:
        self.node.start()
        await self.listener.start()

    async def stop(self) -> None:
        await self.listener.stop()
        self.node.close()
        await self.node.hub.wait_empty(2.0)
        await self.tasks.aclose()
        for writer in self._writers:
            writer.close()

    async def send(self, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.listener.port)
        self._writers.append(writer)
        writer.write(request)
        return reader, writer


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    edge = PublicEdge(origins=frozenset({"https://a.example"}))
    async with started(Served(Limits(heartbeat_s=0.2), edge)) as served:
        yield served
