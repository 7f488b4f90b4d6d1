"""A listener on a free port that remembers what reached its handlers."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from aiohttp import web

from service.http_server import HttpServer, new_application
from service.middleware import problems, read_body, require_role
from tests.raw_http import Connection, speak
from wire.errors import StoreUnavailable
from wire.roles import Role

LARGE = 8 * 1024 * 1024


class WebStub:
    """`async with WebStub() as web:`; keyword arguments go to HttpServer.

    POST /echo gives the body back, POST /private takes a writer's body only, GET /large a large
    reply, /gate waits for `gate`, GET /broken fails, GET /away is 503. body_deadline_s: of /echo.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        body_deadline_s: float = 10.0,
        **kwargs: Any,
    ) -> None:
        self._body_deadline_s = body_deadline_s
        app = new_application(problems)
        app.router.add_post("/echo", self._echo)
        app.router.add_post("/private", self._private)
        app.router.add_get("/large", self._large)
        app.router.add_get("/gate", self._gate)
        app.router.add_post("/gate", self._gate)
        app.router.add_get("/broken", self._broken)
        app.router.add_get("/away", self._away)
        self.server = HttpServer(app, "127.0.0.1", 0, ssl_context=ssl_context, **kwargs)
        self.gate = asyncio.Event()
        self.requests = 0
        self.passed = self.given_up = 0  # at the gate
        self.bodies: list[bytes] = []
        self.callers: list[str] = []

    @property
    def port(self) -> int:
        return self.server.port

    async def __aenter__(self) -> WebStub:
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.gate.set()
        await self.server.stop()

    async def connect(self) -> Connection:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def raw(self, *pieces: bytes) -> bytes:
        """Everything that comes back until the server closes; never waits for ever."""
        return await speak(await self.connect(), *pieces)

    async def _echo(self, request: web.Request) -> web.Response:
        self.requests += 1
        body = await read_body(request, 1024, deadline_s=self._body_deadline_s)
        self.bodies.append(body)
        return web.Response(body=body)

    async def _private(self, request: web.Request) -> web.Response:
        self.callers.append(require_role(Role.WRITER)(request))
        self.bodies.append(await read_body(request, 1024 * 1024))
        return web.Response(body=b"{}")

    async def _large(self, _request: web.Request) -> web.Response:
        self.requests += 1
        return web.Response(body=b"x" * LARGE)

    async def _gate(self, _request: web.Request) -> web.Response:
        self.requests += 1
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        self.passed += 1
        return web.Response(body=b"open")

    async def _broken(self, _request: web.Request) -> web.Response:
        raise ZeroDivisionError("a secret of ours")

    async def _away(self, _request: web.Request) -> web.Response:
        raise StoreUnavailable("no store", retry_after_s=2)
