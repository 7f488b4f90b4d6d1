"""A viewer that behaves like a browser's native EventSource, no more clever than that.

It is a raw protocol on a socket, so that many hundreds of them cost little beside the cluster that
they watch. Events of one cluster that look the same are one object for all viewers.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import cast

from tests.chaos.history import Event, Refusal, Stream, Watch
from tests.chunk_parser import ChunkParser
from tests.sse_parser import SseEvent, SseParser

DEFAULT_RETRY_MS = 2_000
_MAX_HEAD_BYTES = 64 * 1024


class Events:
    """Every event once; decoding the same comment for each viewer would be the load's main cost."""

    def __init__(self) -> None:
        self._known: dict[SseEvent, Event] = {}

    def find(self, event: SseEvent) -> Event:
        """The event with its data decoded."""
        found = self._known.get(event)
        if found is None:
            found = Event(event.type, event.last_event_id, json.loads(event.data))
            self._known[event] = found
        return found


class EventSource:
    """Connects, records, reconnects after `retry` with Last-Event-ID; gives up only on what the
    standard calls fatal: a status other than 200, or another content type.

    silence_s: for how long nothing may arrive; more is an end, as it is to our own clients. 0: for
    ever, as a browser bears it.
    """

    def __init__(
        self,
        host: str,
        port: int,
        watch: Watch,
        query: str = "",
        events: Events | None = None,
        *,
        silence_s: float = 0.0,
    ) -> None:
        self._host, self._port, self._query = host, port, query
        self._silence_s = silence_s or None
        self.watch = watch
        self._events = events or Events()
        self._parser = SseParser()
        self.connection: _Connection | None = None  # the one that is open

    async def run(self) -> None:
        """Until cancelled, or a fatal answer."""
        while self.watch.fatal is None:
            tried_at = time.monotonic()
            self.watch.asked.append(tried_at)
            # A network error is no reason to give up: a browser tries again.
            try:
                why = await self._connect()
            except OSError as exc:
                why = f"no connection: {exc}"
            if why:
                self.watch.refused.append(Refusal(tried_at, time.monotonic(), why))
            if self.watch.fatal is None:
                await asyncio.sleep((self._parser.retry_ms or DEFAULT_RETRY_MS) / 1000)

    async def _connect(self) -> str:
        """One connection from its first to its last byte. Why it was no stream, "" if it was one.
        Raises OSError if there is nobody, also if nobody says so in time.
        """
        loop = asyncio.get_running_loop()
        retry_ms = self._parser.retry_ms
        self._parser = SseParser(self._parser.last_event_id)
        self._parser.retry_ms = retry_ms
        connection = _Connection(self, self._request(), loop.create_future())
        connecting = loop.create_connection(lambda: connection, self._host, self._port)
        transport, _ = await asyncio.wait_for(connecting, self._silence_s)
        self.connection = connection
        try:
            await connection.until_ended(self._silence_s)
        finally:
            self.connection = None
            connection.note_end()
            transport.abort()
        return connection.why_no_stream

    def _request(self) -> bytes:
        lines = [f"GET /v1/videos/{self.watch.video_id}/stream{self._query} HTTP/1.1", "Host: h"]
        if self._parser.last_event_id:
            lines.append(f"Last-Event-ID: {self._parser.last_event_id}")
        return "\r\n".join([*lines, "", ""]).encode()

    def receive(self, chunk: bytes) -> None:
        """Bytes of the stream's body."""
        now, watch, events = time.monotonic(), self.watch, self._events
        for event in self._parser.feed(chunk):
            watch.add(now, events.find(event))
            if event.type == "hello" and not watch.streams[-1].node:  # no gateway in between
                watch.streams[-1].node = watch.events[-1].data["node_id"]


class _Connection(asyncio.Protocol):
    """One connection: reads the head, then passes the body on until its length or its end."""

    def __init__(self, source: EventSource, request: bytes, ended: asyncio.Future[None]) -> None:
        self._source, self._request, self.ended = source, request, ended
        self._head = b""
        self._in_body = False
        self._left: int | None = None  # bytes of the body that are missing; None: until the end
        self._chunks: ChunkParser | None = None
        self._stream: Stream | None = None
        self.why_no_stream = "it ended before it was answered"
        self.transport: asyncio.Transport | None = None
        self._heard_at = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._heard_at = time.monotonic()
        if self.ended.done():
            return
        if not self._in_body:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                if len(self._head) > _MAX_HEAD_BYTES:
                    self._end()
                return
            self._on_head(head.decode("latin-1"))
        if data and self._source.watch.fatal is None:
            self._on_body(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    async def until_ended(self, silence_s: float | None) -> None:
        """Wait for its end; more silence than that is one too."""
        while not self.ended.done():
            left_s = None
            if silence_s is not None:
                left_s = self._heard_at + silence_s - time.monotonic()
                if left_s <= 0:
                    self._end()
                    return
            await asyncio.wait([self.ended], timeout=left_s)

    def note_end(self) -> None:
        """The stream is over, whoever ended it."""
        if self._stream is not None and self._stream.closed_at is None:
            self._stream.closed_at = time.monotonic()

    def _on_head(self, head: str) -> None:
        first, *lines = head.split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        self._in_body = True
        status = first.partition(" ")[2][:3]
        if status != "200" or not headers.get("content-type", "").startswith("text/event-stream"):
            self._source.watch.fatal = self.why_no_stream = head
            self._end()
            return
        self.why_no_stream = ""
        node = headers.get("x-served-by", "")
        self._stream = Stream(time.monotonic(), node)
        self._source.watch.streams.append(self._stream)
        if headers.get("transfer-encoding") == "chunked":
            self._chunks = ChunkParser()
        # The gateway's own answers have a length and keep the connection; streams end with it.
        if "content-length" in headers:
            self._left = int(headers["content-length"])
            if self._left == 0:
                self._end()

    def _on_body(self, data: bytes) -> None:
        if self._chunks is not None:
            data = self._chunks.feed(data)
        elif self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        self._source.receive(data)
        if self._left == 0:
            self._end()

    def _end(self) -> None:
        self.note_end()
        if not self.ended.done():
            self.ended.set_result(None)
