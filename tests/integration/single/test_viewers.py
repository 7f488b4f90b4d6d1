"""How many watch, in one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.single.client import Connection
from tests.integration.single.single_process import SingleProcess
from tests.raw_http import head
from tests.support import eventually, started


@pytest.fixture
async def single(tmp_path: Path) -> AsyncIterator[SingleProcess]:
    async with started(SingleProcess(tmp_path)) as single:
        yield single


async def ask(single: SingleProcess) -> tuple[int, dict[str, object]]:
    async with await single.connect() as connection:
        reply = await connection.ask(head("GET", "/v1/videos/v/viewers"))
        return reply.status, reply.json()


async def read_on(connection: Connection) -> None:
    """What else comes is noted; the stream goes on until the test ends it."""
    async with asyncio.timeout(60):
        await connection.rest()


async def test_viewers_are_told_and_whoever_asks(single: SingleProcess) -> None:
    assert await ask(single) == (200, {"video_id": "v", "now": 0, "peak": 0})
    async with await single.connect() as first, await single.connect() as second:
        for connection in (first, second):
            await connection.watch()
            assert (await connection.event()).type == "hello"
        reading = [asyncio.create_task(read_on(one)) for one in (first, second)]
        for connection in (first, second):
            await eventually(lambda one=connection: one.viewers[-1:] == [{"now": 2, "peak": 2}])
        assert await ask(single) == (200, {"video_id": "v", "now": 2, "peak": 2})
        second.close()
        await eventually(lambda: first.viewers[-1] == {"now": 1, "peak": 2})
        first.close()
        await asyncio.gather(*reading, return_exceptions=True)
    for _ in range(200):
        if await ask(single) == (200, {"video_id": "v", "now": 0, "peak": 2}):
            break
        await asyncio.sleep(0.05)
    else:
        pytest.fail("somebody is still counted")


async def test_where_it_is_off_nobody_is_told(tmp_path: Path) -> None:
    async with started(SingleProcess(tmp_path, VIEWER_COUNTS="off")) as single:
        status, problem = await ask(single)
        assert (status, problem["code"]) == (404, "not_found")
        async with await single.connect() as connection, await single.connect() as another:
            await connection.watch()
            assert (await connection.event()).type == "hello"
            assert (await another.post()).status == 201
            assert await connection.seqs(1) == [1]
            assert connection.viewers == []
        metrics = (await single.ops_reply("/metrics")).body.decode()
        assert "viewer_reports" not in metrics
        assert "counted_viewers" not in metrics
