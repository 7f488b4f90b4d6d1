"""A small HTTP client over keep-alive connections: what a call may conclude is plain to see."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from tests.raw_http import Connection, Reply, comment_post, head, read_reply

MAX_IDLE = 64
# The gateway closes what has been idle for 15 s: a request that crosses that end gets no answer.
IDLE_S = 10.0


class HttpClient:
    """Calls to one address. A call that fails or comes late closes its connection."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._idle: list[tuple[Connection, float]] = []  # and since when

    async def call(self, request: bytes, timeout_s: float) -> Reply:
        """Send one request, read its reply. Raises OSError, EOFError, ValueError or TimeoutError:
        then the outcome is unknown.
        """
        async with asyncio.timeout(timeout_s):
            reader, writer = await self._connection()
            try:
                writer.write(request)
                reply = await read_reply(reader)
            except BaseException:
                writer.transport.abort()
                raise
        if reply.headers.get("connection", "").lower() == "close" or len(self._idle) >= MAX_IDLE:
            writer.close()
        else:
            self._idle.append(((reader, writer), time.monotonic()))
        return reply

    async def get(self, path: str, timeout_s: float = 10.0) -> Any:
        """The JSON of a 200 reply. Raises ValueError for another status, and as `call`."""
        reply = await self.call(head("GET", path), timeout_s)
        if reply.status != 200:
            raise ValueError(f"status {reply.status}")
        return reply.json()

    def close(self) -> None:
        """Close what is idle."""
        for (_, writer), _ in self._idle:
            writer.transport.abort()
        self._idle.clear()

    async def _connection(self) -> Connection:
        while self._idle:
            (reader, writer), since = self._idle.pop()
            fresh = time.monotonic() - since < IDLE_S
            if fresh and not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self._host, self._port)


def post_request(video_id: str, key: str, body: dict[str, Any], *lines: str) -> bytes:
    """A POST of a comment that keeps its connection."""
    payload = json.dumps(body, ensure_ascii=False).encode()
    return comment_post(video_id, payload, f"Idempotency-Key: {key}", *lines)
