"""One HTTP/1.1 connection by hand: requests one after another, and a stream as the last of them."""

from __future__ import annotations

import asyncio
import json

from tests.chunk_parser import ChunkParser
from tests.raw_http import Reply, comment_post, head, read_reply
from tests.sse_parser import SseEvent, SseParser
from tests.support import TIMEOUT_FACTOR

GOOD = {"author": "ann", "text": "hello"}
JSON = "Content-Type: application/json"
_WAIT_S = 60 * TIMEOUT_FACTOR


def post_bytes(body: object = GOOD, *lines: str, video: str = "v") -> bytes:
    return comment_post(video, json.dumps(body).encode(), *lines)


class Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.parser = SseParser()
        self._chunks = ChunkParser()
        self._events: list[SseEvent] = []
        self.viewers: list[dict[str, int]] = []  # how many watch, which is told at any time

    @classmethod
    async def open(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._writer.close()

    def send(self, request: bytes) -> None:
        self._writer.write(request)

    async def ask(self, request: bytes) -> Reply:
        self.send(request)
        return await self.reply()

    async def post(self, text: str = "hello", *lines: str) -> Reply:
        return await self.ask(post_bytes({"author": "ann", "text": text}, *lines))

    async def watch(self, path: str = "/v1/videos/v/stream", *lines: str) -> Reply:
        """Ask for a stream; returns the reply's head."""
        return await self.ask(head("GET", path, *lines))

    async def reply(self) -> Reply:
        """The next reply, with its body unless it is a stream."""
        async with asyncio.timeout(_WAIT_S):
            return await read_reply(self._reader)

    async def event(self) -> SseEvent:
        """The next event but for those that tell how many watch; EOFError at the end of the
        stream.
        """
        async with asyncio.timeout(_WAIT_S):
            while not self._events:
                chunk = await self._reader.read(65_536)
                if not chunk:
                    raise EOFError
                events = self.parser.feed(self._chunks.feed(chunk))
                self.viewers += [json.loads(e.data) for e in events if e.type == "viewers"]
                self._events += [event for event in events if event.type != "viewers"]
        return self._events.pop(0)

    async def seqs(self, count: int) -> list[int]:
        """The numbers of the next comments; any other event is an error."""
        found = []
        for _ in range(count):
            event = await self.event()
            assert event.type == "comment", event
            found.append(json.loads(event.data)["seq"])
        return found

    async def rest(self) -> list[SseEvent]:
        """All events until the stream ends."""
        events = []
        try:
            while True:
                events.append(await self.event())
        except EOFError:
            return events

    async def is_closed(self) -> bool:
        async with asyncio.timeout(_WAIT_S):
            return await self._reader.read(1) == b""
