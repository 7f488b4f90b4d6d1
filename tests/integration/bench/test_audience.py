"""The audience of the comparison: what it tells of streams that end, and how it leaves."""

from __future__ import annotations

import array
import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from bench.child import Child
from bench.topologies import audience
from tests.support import eventually

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
HELLO = b"retry: 50\nid: 1-0\nevent: hello\ndata: {}\n\n"


class Streams:
    """A server that says hello to every viewer: by video, its open stream, and how others ended."""

    def __init__(self) -> None:
        self.open: dict[str, asyncio.StreamWriter] = {}
        self.cursors: list[bytes] = []
        self.ends: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        self.cursors += [line for line in request.split(b"\r\n") if b"Last-Event-ID" in line]
        video_id = request.split(b"/")[3].decode()
        self.open[video_id] = writer
        writer.write(HEAD + HELLO)
        try:
            self.ends.append("closed" if not await reader.read() else "spoke")
        except ConnectionResetError:
            self.ends.append("reset")
        finally:
            writer.close()

    def comment(self, due_ns: int) -> None:
        """One on each video."""
        for writer in self.open.values():
            writer.write(b'id: 1-1\nevent: comment\ndata: {"text":"due=%d x"}\n\n' % due_ns)


@pytest.fixture
async def streams() -> Streams:
    return Streams()


@pytest.fixture
async def port(streams: Streams) -> AsyncIterator[int]:
    server = await asyncio.start_server(streams.serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
def viewers() -> Iterator[Child]:
    with Child(audience.run) as child:
        yield child


async def test_who_lost_a_stream_is_told_with_what_came_after_it(
    viewers: Child, streams: Streams, port: int
) -> None:
    await asyncio.to_thread(viewers.ask, "open", port, ["lost", "kept"])
    streams.comment(before := time.monotonic_ns())
    assert len(await asyncio.to_thread(viewers.ask, "take", 2)) == 2 * 8
    await asyncio.to_thread(viewers.ask, "forget_ends")
    streams.open.pop("lost").close()
    await eventually(lambda: "lost" in streams.open)
    assert streams.cursors == [b"Last-Event-ID: 1-1"], "it goes on where it was"
    streams.comment(due := time.monotonic_ns())
    await asyncio.to_thread(viewers.ask, "take", 2)
    ended, raw = await asyncio.to_thread(viewers.ask, "take_after_ends")
    pairs = array.array("q")
    pairs.frombytes(raw)
    assert (ended, len(pairs), pairs[0]) == (1, 2, due)
    assert 0 < pairs[1] < time.monotonic_ns() - before
    assert await asyncio.to_thread(viewers.ask, "take_after_ends") == (0, b"")


async def test_who_leaves_resets_its_connection(
    viewers: Child, streams: Streams, port: int
) -> None:
    """A gateway that is not reading finds that out with its next write."""
    await asyncio.to_thread(viewers.ask, "open", port, ["a", "b"])
    await asyncio.to_thread(viewers.ask, "close")
    await eventually(lambda: streams.ends == ["reset", "reset"])
    assert await asyncio.to_thread(viewers.ask, "waiting") == 0
