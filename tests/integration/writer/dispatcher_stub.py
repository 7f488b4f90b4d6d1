"""A listener that takes batches as a dispatcher does, over real mutual TLS, and can misbehave."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from cluster.ca import DevelopmentCa
from service.http_server import HttpServer, new_application
from service.middleware import problems, read_body, require_role
from service.tls import TlsFiles
from wire.errors import Unavailable
from wire.internal import DISPATCH, MAX_INTERNAL_BYTES, Batch, decode_batches
from wire.roles import Peer, Role


class DispatcherStub:
    """`gate` cleared holds replies, `refusing` answers 503. `requests`: the batches of each."""

    def __init__(self, ca: DevelopmentCa, folder: Path, name: str) -> None:
        self.name, self.port = name, 0
        ca.issue(Role.DISPATCHER, name).write(folder / name)
        self._tls = TlsFiles(folder / name)
        self._server: HttpServer | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.refusing = False
        self.requests: list[tuple[Batch, ...]] = []
        self.in_flight = self.most_in_flight = 0
        self.request_ids: list[str] = []

    @property
    def peer(self) -> Peer:
        return Peer(Role.DISPATCHER, self.name, "127.0.0.1", self.port)

    @property
    def seqs(self) -> list[int]:
        """First numbers of all batches in order of arrival."""
        return [batch.first_seq for request in self.requests for batch in request]

    async def start(self) -> None:
        """Listen on the port it had before, or a free one."""
        app = new_application(problems)
        app.router.add_post(DISPATCH, self._take)
        self._server = HttpServer(app, "127.0.0.1", self.port, ssl_context=self._tls.server())
        await self._server.start()
        self.port = self._server.port

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop()

    async def _take(self, request: web.Request) -> web.Response:
        require_role(Role.WRITER)(request)
        body = await read_body(request, MAX_INTERNAL_BYTES)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            self.requests.append(decode_batches(body))
            self.request_ids.append(request.headers["X-Request-Id"])
            await self.gate.wait()
        finally:
            self.in_flight -= 1
        if self.refusing:
            raise Unavailable()
        return web.Response(body=b"{}")
