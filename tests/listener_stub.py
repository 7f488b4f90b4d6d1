"""A listener that takes the place of one of our processes, over real mutual TLS."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from pathlib import Path

from aiohttp import web

from cluster.ca import DevelopmentCa
from service.http_server import HttpServer, new_application
from service.middleware import problems
from service.tls import TlsFiles
from wire.internal import Batch
from wire.roles import Peer, Role


class BatchListener(ABC):
    """Takes batches at `path` as `role` does. `gate` cleared holds replies; `requests`: the batches
    of each request.
    """

    role: Role
    path: str

    def __init__(self, ca: DevelopmentCa, folder: Path, name: str) -> None:
        self.name, self.port = name, 0
        ca.issue(self.role, name).write(folder / name)
        self.tls = TlsFiles(folder / name)
        self._server: HttpServer | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.requests: list[tuple[Batch, ...]] = []

    @property
    def peer(self) -> Peer:
        return Peer(self.role, self.name, "127.0.0.1", self.port)

    async def start(self) -> None:
        """Listen on the port it had before, or a free one."""
        app = new_application(problems)
        app.router.add_post(self.path, self._take)
        self._server = HttpServer(app, "127.0.0.1", self.port, ssl_context=self.tls.server())
        await self._server.start()
        self.port = self._server.port

    async def stop(self) -> None:
        self.gate.set()
        if self._server is not None:
            await self._server.stop()

    @abstractmethod
    async def _take(self, request: web.Request) -> web.Response:
        """Note one request, and answer it."""
