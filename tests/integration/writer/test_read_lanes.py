"""Heads, ranges and history side by side, on a real file, while one kind is held up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.writer.public_api import PublicApi
from tests.support import eventually, started
from wire.comment import NewComment
from writer.read_lanes import LaneBounds, ReadBounds
from writer.sqlite import queries
from writer.store import Item

QUERIES = {"heads": "read_heads", "ranges": "read_range", "history": "read_recent"}


class Lanes:
    """A writer whose reads of one kind can be held at the store; `begun` are those that got there.
    A read waits for `wait_s` for its turn.
    """

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch, wait_s: float) -> None:
        lane = LaneBounds(2, 100, wait_s)
        self.api = PublicApi(path, read_bounds=ReadBounds(lane, lane, lane, deadline_s=60.0))
        self._monkeypatch = monkeypatch
        self.gate = threading.Event()
        self.begun: list[str] = []

    async def start(self) -> None:
        await self.api.start()
        await self.api.store.append("v", [Item(NewComment("ann", "x"), None, "now")] * 2)

    async def stop(self) -> None:
        self.gate.set()
        await self.api.stop()

    def hold(self, kind: str) -> None:
        query = getattr(queries, QUERIES[kind])

        def held(*args: Any) -> Any:
            self.begun.append(args[1])
            assert self.gate.wait(60)
            return query(*args)

        self._monkeypatch.setattr(queries, QUERIES[kind], held)

    def read(self, kind: str, video_id: str = "v") -> asyncio.Task[Any]:
        service = self.api.service
        reads: dict[str, Callable[[], Awaitable[Any]]] = {
            "heads": lambda: service.heads([video_id]),
            "ranges": lambda: service.range(video_id, 0, 2),
            "history": lambda: service.history(video_id, 2),
        }
        return asyncio.ensure_future(reads[kind]())

    def refused_late(self) -> float | None:
        labels = {"lane": "history", "reason": "late"}
        return self.api.registry.get_sample_value("livecomments_reads_refused_total", labels)


@pytest.fixture
async def lanes(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Lanes]:
    wait_s: float = getattr(request, "param", 60.0)
    async with started(Lanes(tmp_path / "comments.db", monkeypatch, wait_s)) as lanes:
        yield lanes


short = pytest.mark.parametrize("lanes", [0.01], indirect=True)


@pytest.mark.parametrize("held", ["ranges", "history"])
async def test_a_lane_that_is_held_up_holds_up_no_other(lanes: Lanes, held: str) -> None:
    lanes.hold(held)
    waiting = [lanes.read(held) for _ in range(50)]
    await eventually(lambda: lanes.begun and lanes.api.service.queues[f"read_{held}"] == 48)
    for kind in QUERIES.keys() - {held}:
        await lanes.read(kind)
    assert not any(read.done() for read in waiting)
    lanes.gate.set()
    await asyncio.gather(*waiting)


@short
async def test_the_store_is_well_while_a_lane_is_late(lanes: Lanes) -> None:
    lanes.hold("history")
    reads = [lanes.read("history") for _ in range(3)]
    await eventually(lanes.refused_late)
    assert lanes.api.service.store_problem is None
    lanes.gate.set()
    await asyncio.gather(*reads, return_exceptions=True)


@short
async def test_a_page_that_has_waited_too_long_is_503(lanes: Lanes) -> None:
    lanes.hold("history")
    reads = [lanes.read("history") for _ in range(2)]
    await eventually(lambda: lanes.begun)
    async with lanes.api.client.get("/v1/videos/v/comments") as reply:
        document = await reply.json(content_type=None)
        assert (reply.status, document["code"]) == (503, "overloaded")
        assert reply.headers["Retry-After"] == "1"
    assert lanes.refused_late() == 1
    lanes.gate.set()
    await asyncio.gather(*reads)


async def test_a_page_whose_caller_has_gone_is_never_read(lanes: Lanes) -> None:
    lanes.hold("history")
    reads = [lanes.read("history", "first"), lanes.read("history", "second")]
    await eventually(lambda: lanes.begun == ["first"])
    _, caller = await asyncio.open_connection("127.0.0.1", lanes.api.server.port)
    caller.write(b"GET /v1/videos/gone/comments HTTP/1.1\r\nHost: w\r\n\r\n")
    await eventually(lambda: lanes.api.service.queues["read_history"] == 1)
    caller.transport.abort()
    await eventually(lambda: lanes.api.service.queues["read_history"] == 0)
    lanes.gate.set()
    await asyncio.gather(*reads, lanes.read("history", "last"))
    assert lanes.begun == ["first", "second", "last"]
