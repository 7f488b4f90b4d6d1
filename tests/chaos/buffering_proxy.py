"""A reverse proxy as many stand before a site, by nginx' defaults: replies pass in pieces of 4 KiB,
unless they say `X-Accel-Buffering: no`, and a connection on which nothing came from behind for
`idle_s` is cut.
"""

from __future__ import annotations

import asyncio
import contextlib

BUFFER_BYTES = 4096
IDLE_S = 60.0
_NO_BUFFER = b"x-accel-buffering: no"


class BufferingProxy:
    """`async with BufferingProxy(host, port) as proxy`: connect to `proxy.port`."""

    def __init__(self, host: str, port: int, *, idle_s: float = IDLE_S) -> None:
        self._behind, self._idle_s = (host, port), idle_s
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = self.cuts = 0

    async def __aenter__(self) -> BufferingProxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request and its reply."""
        far_reader, far_writer = await asyncio.open_connection(*self._behind)
        try:
            with contextlib.suppress(OSError, EOFError):
                far_writer.write(await reader.readuntil(b"\r\n\r\n"))
                head = await far_reader.readuntil(b"\r\n\r\n")
                writer.write(head)
                await self._pass_on(far_reader, writer, buffers=_NO_BUFFER not in head.lower())
        finally:
            far_writer.transport.abort()
            writer.close()

    async def _pass_on(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, buffers: bool
    ) -> None:
        waiting = b""
        try:
            while data := await asyncio.wait_for(source.read(65536), self._idle_s):
                waiting += data
                if not buffers or len(waiting) >= BUFFER_BYTES:
                    sink.write(waiting)
                    await sink.drain()
                    waiting = b""
        except TimeoutError:
            self.cuts += 1
        sink.write(waiting)
