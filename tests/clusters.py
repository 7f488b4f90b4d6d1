"""A cluster while tests need it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aiohttp

from cluster.cluster import Cluster
from cluster.readiness import NO_ANSWER
from cluster.status import Row, fetch_rows
from tests.support import TIMEOUT_FACTOR


@contextmanager
def standing(cluster: Cluster) -> Iterator[Cluster]:
    """Up for many tests, each with a loop of its own; cleaned at the end, whatever happens."""
    try:
        asyncio.run(cluster.up())
        yield cluster
    finally:
        asyncio.run(cluster.clean())


@asynccontextmanager
async def running(cluster: Cluster) -> AsyncIterator[Cluster]:
    """Up for one test, and cleaned."""
    try:
        await cluster.up()
        yield cluster
    finally:
        await cluster.clean()


async def all_ready(cluster: Cluster) -> list[Row]:
    """The rows; every part must be ready. One that has just started on a busy machine may take more
    than the second that it has to say so, and is asked again.
    """
    rows = await fetch_rows(cluster)
    async with asyncio.timeout(20 * TIMEOUT_FACTOR):
        while NO_ANSWER.words in [row.health for row in rows]:
            rows = await fetch_rows(cluster)
    assert all(row.ready for row in rows), rows
    return rows


@asynccontextmanager
async def whole(cluster: Cluster) -> AsyncIterator[Cluster]:
    """A standing cluster before and after one test: whatever that has killed is started again."""
    await cluster.up()
    yield cluster
    await cluster.up()


async def post_comment(cluster: Cluster, video_id: str, text: str = "hi") -> dict[str, Any]:
    """Through the gateway; the stored comment."""
    url = f"{cluster.http_url}/v1/videos/{video_id}/comments"
    body = {"author": "ann", "text": text}
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as reply:
        assert reply.status == 201
        comment: dict[str, Any] = await reply.json()
        return comment
