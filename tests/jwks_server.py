"""A real https server of key sets, and what can be wrong with one."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from cluster.ca import DevelopmentCa
from service.http_server import HttpServer, new_application
from service.middleware import problems
from tests.tokens import jwks


class JwksServer:
    """Answers GET /keys with `status`, `headers` and `reply`, once `gate` is set. A restart keeps
    its port.
    """

    def __init__(self, folder: Path) -> None:
        ca = DevelopmentCa.new()
        self.ca_file = folder / "issuer-ca.pem"
        self.ca_file.write_bytes(ca.pem)
        ca.ensure_gateway(folder / "issuer", ("127.0.0.1",))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "issuer" / "gateway.pem")
        self.reply, self.status = jwks(), 200
        self.headers: Mapping[str, str] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.fetches = self._port = 0
        self._server: HttpServer | None = None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._port}/keys"

    @property
    def running(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    async def start(self) -> None:
        app = new_application(problems)
        app.router.add_get("/keys", self._keys)
        self._server = HttpServer(app, "127.0.0.1", self._port, ssl_context=self._context)
        await self._server.start()
        self._port = self._server.port

    async def stop(self) -> None:
        self.gate.set()
        if self._server is not None:
            await self._server.stop()
            self._server = None

    async def _keys(self, _request: web.Request) -> web.Response:
        self.fetches += 1
        await self.gate.wait()
        return web.Response(status=self.status, body=self.reply, headers=self.headers)
