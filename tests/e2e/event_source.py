"""A viewer that behaves like a browser's native EventSource, no more clever than that."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time

from tests.e2e.history import Seen, Watch
from tests.sse_parser import SseParser

DEFAULT_RETRY_MS = 2_000


class EventSource:
    """Connects, records, reconnects after `retry` with Last-Event-ID; gives up only on what the
    standard calls fatal: a status other than 200, or another content type."""

    def __init__(self, host: str, port: int, watch: Watch, query: str = "") -> None:
        self._host, self._port, self._query = host, port, query
        self.watch = watch
        self._parser = SseParser()

    async def run(self) -> None:
        """Until cancelled, or a fatal answer."""
        while self.watch.fatal is None:
            # A network error is no reason to give up: a browser tries again.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._connect()
            await asyncio.sleep((self._parser.retry_ms or DEFAULT_RETRY_MS) / 1000)

    async def _connect(self) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(self._request())
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            status = head.split(" ", 2)[1]
            if status != "200" or "content-type: text/event-stream" not in head:
                self.watch.fatal = head
                return
            self.watch.connects.append(time.monotonic())
            retry_ms = self._parser.retry_ms
            self._parser = SseParser(self._parser.last_event_id)
            self._parser.retry_ms = retry_ms
            # The gateway's own answers have a length and keep the connection; streams end with it.
            left = int(head.partition("content-length:")[2].partition("\r")[0] or sys.maxsize)
            while left and (chunk := await reader.read(min(left, 65536))):
                left -= len(chunk)
                self._record(chunk)
        finally:
            writer.close()

    def _request(self) -> bytes:
        lines = [f"GET /v1/videos/{self.watch.video_id}/stream{self._query} HTTP/1.1", "Host: h"]
        if self._parser.last_event_id:
            lines.append(f"Last-Event-ID: {self._parser.last_event_id}")
        return "\r\n".join([*lines, "", ""]).encode()

    def _record(self, chunk: bytes) -> None:
        now = time.monotonic()
        for event in self._parser.feed(chunk):
            seen = Seen(now, event.type, event.last_event_id, json.loads(event.data))
            self.watch.events.append(seen)
            if seen.id:
                self.watch.place = int(seen.id.partition("-")[2])
