"""What the contract suite is made of: who has which part, a viewer, and the public endpoints.

What a topology has no part for is named in `LACKS`, and nowhere else.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from cluster.cluster import Cluster
from cluster.parts import WITH_STORE, Kind
from tests.chaos.event_source import EventSource
from tests.chaos.history import Watch
from tests.e2e.parts import figure
from tests.support import eventually
from wire.topology import Topology

ANOTHER_NODE, ANOTHER_WRITER, BUS = "another node", "another writer", "a bus"
LACKS = {
    (Topology.SINGLE, ANOTHER_NODE): "there is one process, so nobody to go to meanwhile",
    (Topology.SINGLE, ANOTHER_WRITER): "who takes the posts is who was killed as a server",
    (Topology.SINGLE, BUS): "nothing lies between the writer and the viewers",
}


def needs(cluster: Cluster, part: str) -> None:
    why = LACKS.get((Topology(cluster.settings.topology), part))
    if why is not None:
        pytest.skip(f"{cluster.settings.topology} has not {part}: {why}")


def servers(cluster: Cluster) -> list[str]:
    """Whoever has viewers."""
    return [part.name for part in cluster.parts if part.kind in (Kind.NODE, Kind.SINGLE)]


def writers(cluster: Cluster) -> list[str]:
    """Whoever takes posts."""
    return [part.name for part in cluster.parts if part.kind in WITH_STORE]


def bus(cluster: Cluster) -> list[str]:
    """What lies between writers and nodes, in the order in which it starts."""
    kinds = (Kind.ZOOKEEPER, Kind.REDIS, Kind.DISPATCHER)
    return [part.name for part in cluster.parts if part.kind in kinds]


async def sum_of(cluster: Cluster, metric: str) -> float:
    return sum([await figure(cluster, name, metric) for name in servers(cluster)])


@asynccontextmanager
async def watching(
    cluster: Cluster, video_id: str, query: str = "", *, at: str = Kind.HAPROXY
) -> AsyncIterator[Watch]:
    """A viewer that has its place, through the gateway or straight at a server. `query` is sent as
    it is.
    """
    watch = Watch(video_id)
    address = cluster.address(at, "http" if at == Kind.HAPROXY else "public")
    source = EventSource(*address, watch, f"?{query}" if query else "")
    task = asyncio.create_task(source.run())
    try:
        await eventually(lambda: watch.place is not None)
        yield watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Comments:
    """The public endpoints of one video; calls may also go straight to a writer."""

    def __init__(self, cluster: Cluster, session: aiohttp.ClientSession) -> None:
        self.video_id = secrets.token_hex(6)
        self._cluster, self._session = cluster, session
        self._path = f"/v1/videos/{self.video_id}/comments"

    async def post(
        self, text: str, key: str = "", *, at: str = Kind.HAPROXY
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Idempotency-Key": key} if key else {}
        if at != Kind.HAPROXY:  # it may be killed and started before the next call
            headers["Connection"] = "close"
        body = {"author": "ann", "text": text}
        async with self._session.post(self._url(at), json=body, headers=headers) as reply:
            return reply.status, await reply.json()

    async def told(self, text: str) -> dict[str, Any]:
        status, comment = await self.post(text)
        assert status == 201
        return comment

    async def many(self, count: int) -> list[dict[str, Any]]:
        """So many, a hundred at a time; by their numbers, 1 to `count` in a new video."""
        told = []
        for first in range(0, count, 100):
            numbers = range(first, min(first + 100, count))
            told += await asyncio.gather(*(self.told(f"comment {number}") for number in numbers))
        return sorted(told, key=lambda comment: comment["seq"])

    async def page(self, query: str = "", *, at: str = Kind.HAPROXY) -> dict[str, object]:
        async with self._session.get(self._url(at) + query) as reply:
            assert reply.status == 200
            page: dict[str, object] = await reply.json()
            return page

    def _url(self, at: str) -> str:
        base = self._cluster.http_url if at == Kind.HAPROXY else self._cluster.url(at, "public")
        return base + self._path
