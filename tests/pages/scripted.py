"""A service that says what a test wants: what a real one says after an hour, or to a crowd. The
pages are the real ones.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from pages.config import PagesConfig
from pages.routes import add_pages

EPOCH = "abcdefghijkl"


def comment(seq: int, text: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"{EPOCH}-{seq}",
        "video_id": "v1",
        "seq": seq,
        "author": "ann",
        "text": text,
        "created_at": "2026-11-24T01:43:01.132Z",
        **more,
    }


class Scripted:
    """`start`; then `tell` events to all streams. It has kept nothing that could be read."""

    def __init__(self) -> None:
        self._streams: set[web.StreamResponse] = set()
        self._gone = asyncio.Event()

    async def start(self) -> None:
        app = web.Application()
        add_pages(app, PagesConfig())
        app.router.add_get("/v1/videos/v1/stream", self._stream)
        for what in ("comments", "entries"):
            app.router.add_get(f"/v1/videos/v1/{{what:{what}}}", self._page)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        self._gone.set()
        await self._runner.cleanup()

    @property
    def viewers(self) -> int:
        return len(self._streams)

    async def tell(self, event: str, data: object, event_id: str = "") -> None:
        text = f"event: {event}\ndata: {json.dumps(data)}\n"
        text += f"id: {event_id}\n" if event_id else ""
        for stream in self._streams:
            await stream.write(f"{text}\n".encode())

    async def say(self, seq: int, text: str, **more: Any) -> None:
        await self.tell("comment", comment(seq, text, **more), f"{EPOCH}-{seq}")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self._streams.add(response)
        hello = {"video_id": "v1", "node_id": "n1", "epoch": EPOCH, "head": f"{EPOCH}-0"}
        await self.tell("hello", hello, f"{EPOCH}-0")
        await self._gone.wait()
        self._streams.discard(response)
        return response

    async def _page(self, request: web.Request) -> web.Response:
        start = f"{EPOCH}-0"
        page = {"head": start, "first": start, "last": start, "more": False}
        return web.json_response({request.match_info["what"]: [], **page})
