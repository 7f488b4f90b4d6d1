"""A small HTTP client for an open loop: a request never waits for the one before it."""

from __future__ import annotations

import asyncio
import json

from bench.child import BenchFailed

_WITHIN_S = 10.0
_MAX_OPEN = 200


class HttpPool:
    """Keep-alive connections to one port of loopback; a new one when none is free."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._open = 0

    async def get(self, path: str) -> None:
        """Raises BenchFailed unless it is answered with 200."""
        await self._exchange(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode(), b"200")

    async def post(
        self, video_id: str, text: str, key: str = "", request_id: str = "bench"
    ) -> None:
        """Post a comment, with an idempotency key or without. Raises BenchFailed unless it is
        stored.
        """
        body = json.dumps({"author": "bench", "text": text}).encode()
        head = (
            f"POST /v1/videos/{video_id}/comments HTTP/1.1\r\nHost: bench\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"X-Request-Id: {request_id}\r\n"
        )
        head += f"Idempotency-Key: {key}\r\n\r\n" if key else "\r\n"
        await self._exchange(head.encode() + body, b"201", b"200")

    async def aclose(self) -> None:
        """Close all connections."""
        for _reader, writer in self._free:
            writer.close()
        for _reader, writer in self._free:
            await writer.wait_closed()
        self._free.clear()

    async def _exchange(self, request: bytes, *expected: bytes) -> None:
        async with asyncio.timeout(_WITHIN_S):
            reader, writer = connection = await self._connection()
            try:
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(_length(head))
            except BaseException:
                self._open -= 1
                writer.close()
                raise
        self._free.append(connection)
        if head.split(b" ", 2)[1] not in expected:
            raise BenchFailed(f"unexpected reply: {head[:80]!r}")

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._free:
            reader, writer = self._free.pop()
            if not reader.at_eof():  # closed meanwhile, for it was idle
                return reader, writer
            writer.close()
            self._open -= 1
        self._open += 1
        if self._open > _MAX_OPEN:
            raise BenchFailed(f"over {_MAX_OPEN} requests wait for a reply")
        return await asyncio.open_connection("127.0.0.1", self._port)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise BenchFailed("a reply without a length")
