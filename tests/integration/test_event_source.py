"""The viewer of the load, against a server that stops talking."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.chaos.event_source import EventSource
from tests.chaos.history import Watch
from tests.support import eventually

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Served-By: node-1\r\n\r\n"
_RETRY = b"retry: 1\n\n"


@asynccontextmanager
async def _server(first: bytes) -> AsyncIterator[tuple[int, list[asyncio.StreamWriter]]]:
    """It says `first` to everybody, then nothing. Its port, and who came."""
    came: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer)
        writer.write(first)
        await reader.read()
        await asyncio.Event().wait()  # it does not notice that its client has gone

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], came
    finally:
        for writer in came:
            writer.transport.abort()
        server.close()


async def _watched(first: bytes, silence_s: float, seen: Callable[[Watch, int], object]) -> Watch:
    """A viewer of it, until that is so of it and of how many have come."""
    watch = Watch("v1")
    async with _server(first) as (port, came):
        source = EventSource("127.0.0.1", port, watch, silence_s=silence_s)
        viewer = asyncio.create_task(source.run())
        try:
            await eventually(lambda: seen(watch, len(came)))
        finally:
            viewer.cancel()
            await asyncio.gather(viewer, return_exceptions=True)
    return watch


async def test_a_silent_stream_is_over_and_another_is_asked_for() -> None:
    watch = await _watched(_HEAD + _RETRY, 1.0, lambda watch, came: len(watch.streams) > 2)
    assert all(stream.closed_at is not None for stream in watch.streams)
    assert watch.refused == []
    assert watch.fatal is None


async def test_silence_instead_of_an_answer_is_a_refusal() -> None:
    watch = await _watched(b"", 0.2, lambda watch, came: watch.refused)
    assert watch.streams == []
    assert watch.fatal is None


async def test_a_browser_bears_any_silence() -> None:
    opened = asyncio.get_running_loop().time()

    def long_enough(watch: Watch, came: int) -> bool:
        return bool(watch.streams) and asyncio.get_running_loop().time() > opened + 1

    watch = await _watched(_HEAD + _RETRY, 0.0, long_enough)
    assert len(watch.streams) == 1
