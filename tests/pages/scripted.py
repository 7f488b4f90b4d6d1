"""A service that says what a test wants: what a real one says after an hour, to a crowd, or while
it breaks. The pages are the real ones.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from pages.config import PagesConfig
from pages.routes import add_pages

EPOCH = "abcdefghijkl"
SETTINGS = {
    "slow_mode_s": 0,
    "closed": False,
    "members_only": False,
    "links": True,
    "guests": True,
    "repeats": True,
}
HEARTBEAT_S = 2.0
MINUTES_S = 300  # longer than the client goes on by itself: it tells at once what it was told


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


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a post is answered. status 0: nothing, the connection ends. stores: it is kept all the
    same, and told.
    """

    status: int
    code: str = ""
    retry_after_s: int = 0
    stores: bool = False


class Scripted:
    """`start`; then `tell` events to all streams. Posts are stored once for each key, unless
    `refusals` has something else for the next ones.
    """

    def __init__(self) -> None:
        self.open = asyncio.Event()  # or else whoever asks for a stream waits
        self.open.set()
        self.needs_token = False  # to read
        self.me: dict[str, Any] = {"may_post": True}
        self.refusals: deque[Refusal] = deque()
        self.held_until = ""  # each post is held
        self.silent = False  # posts are not answered
        self.stored: dict[str, dict[str, Any]] = {}
        self.keys: list[str] = []  # of all posts, in their order
        self._newest = 0
        self._streams: set[web.StreamResponse] = set()
        self._gone = asyncio.Event()
        self._dropped = asyncio.Event()

    async def start(self) -> None:
        app = web.Application()
        add_pages(app, PagesConfig())
        base = "/v1/videos/v1"
        app.router.add_get(f"{base}/stream", self._stream)
        app.router.add_get(f"{base}/me", self._tell_me)
        app.router.add_post(f"{base}/comments", self._post)
        app.router.add_post(f"{base}/tickets", self._refuse_ticket)
        for what in ("comments", "entries"):
            app.router.add_get(f"{base}/{{what:{what}}}", self._page)
        self._beating = asyncio.create_task(self._beat())
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        self._beating.cancel()
        await asyncio.gather(self._beating, return_exceptions=True)
        self._gone.set()
        self.open.set()
        self.drop()
        await self._runner.cleanup()

    @property
    def viewers(self) -> int:
        return len(self._streams)

    def drop(self) -> None:
        """End all streams."""
        self._dropped.set()
        self._dropped = asyncio.Event()

    async def tell(self, event: str, data: object, event_id: str = "") -> None:
        text = f"event: {event}\ndata: {json.dumps(data)}\n"
        text += f"id: {event_id}\n" if event_id else ""
        await self._write(f"{text}\n")

    async def _write(self, text: str) -> None:
        for stream in list(self._streams):
            try:
                await stream.write(text.encode())
            except ConnectionError:  # whoever had it is gone
                self._streams.discard(stream)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            await self._write(":\n\n")

    async def say(self, seq: int, text: str, **more: Any) -> None:
        self._newest = max(self._newest, seq)
        await self.tell("comment", comment(seq, text, **more), f"{EPOCH}-{seq}")

    async def rule(self, **settings: Any) -> None:
        """Settings as they are told beside entries."""
        await self.tell("state", {"settings": {**SETTINGS, **settings}})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        await self.open.wait()
        if self.needs_token:
            return problem(401, "ticket_missing")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self._streams.add(response)
        dropped = self._dropped
        head = f"{EPOCH}-{self._newest}"
        hello = {"video_id": "v1", "node_id": "n1", "epoch": EPOCH, "head": head}
        await self.tell("hello", hello, head)
        await dropped.wait()
        self._streams.discard(response)
        return response

    async def _tell_me(self, _request: web.Request) -> web.Response:
        return web.json_response(self.me)

    async def _refuse_ticket(self, _request: web.Request) -> web.Response:
        return problem(401, "token_missing")

    async def _post(self, request: web.Request) -> web.StreamResponse:
        key, body = request.headers["Idempotency-Key"], await request.json()
        self.keys.append(key)
        if self.silent:
            await self._gone.wait()
        if self.held_until:
            return web.json_response({"held": "h1", "expires_at": self.held_until}, status=202)
        refusal = self.refusals.popleft() if self.refusals else None
        if refusal is None or refusal.stores:
            stored = await self._store(key, body)
        if refusal is None:
            return web.json_response(stored, status=201)
        if refusal.code == "banned":
            self.me = {"may_post": False, "code": "banned"}
        if refusal.status:
            return problem(refusal.status, refusal.code, refusal.retry_after_s)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def _store(self, key: str, body: dict[str, Any]) -> dict[str, Any]:
        if key not in self.stored:
            self._newest += 1
            more = {"author": body.get("author", "ann")}
            self.stored[key] = comment(self._newest, body["text"], **more)
            await self.tell("comment", self.stored[key], f"{EPOCH}-{self._newest}")
        return self.stored[key]

    async def _page(self, request: web.Request) -> web.Response:
        start = f"{EPOCH}-0"
        page = {"head": start, "first": start, "last": start, "more": False}
        return web.json_response({request.match_info["what"]: [], **page})


def problem(status: int, code: str, retry_after_s: int = 0) -> web.Response:
    """A refusal as the API spells it."""
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
    body = {"type": "about:blank", "title": code, "status": status, "code": code}
    return web.json_response(body, status=status, headers=headers)
