"""A node as the dispatcher sees it: a real HTTPS listener that can be slow, dead or wrong."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from aiohttp import web

from cluster.ca import DevelopmentCa
from service.http_server import HttpServer, new_application
from service.middleware import problems, read_body, require_role
from service.tls import TlsFiles
from wire.internal import (
    FORWARD,
    MAX_INTERNAL_BYTES,
    Batch,
    ForwardReply,
    decode_batches,
    encode,
)
from wire.roles import Peer, Role


class NodeStub:
    """`gate` cleared holds replies, `slow_s` delays them; `status` and `garbage` spoil them;
    `unserved` are reported. `arrived`: when each request came.
    """

    def __init__(self, ca: DevelopmentCa, folder: Path, name: str) -> None:
        self.name, self.port = name, 0
        ca.issue(Role.NODE, name).write(folder / name)
        self.tls = TlsFiles(folder / name)
        self._server: HttpServer | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.status = 200
        self.garbage: bytes | None = None
        self.unserved: set[str] = set()
        self.slow_s = 0.0
        self.requests: list[tuple[Batch, ...]] = []
        self.arrived: list[float] = []
        self.callers: set[str] = set()
        self.connections: set[int] = set()

    @property
    def peer(self) -> Peer:
        return Peer(Role.NODE, self.name, "127.0.0.1", self.port)

    @property
    def got(self) -> list[tuple[str, int]]:
        """Video and number of every comment in order of arrival."""
        return [
            (batch.video_id, seq)
            for request in self.requests
            for batch in request
            for seq in range(batch.first_seq, batch.last_seq + 1)
        ]

    async def start(self) -> None:
        """Listen on the port it had before, or a free one."""
        app = new_application(problems)
        app.router.add_post(FORWARD, self._take)
        self._server = HttpServer(app, "127.0.0.1", self.port, ssl_context=self.tls.server())
        await self._server.start()
        self.port = self._server.port

    async def stop(self) -> None:
        self.gate.set()
        if self._server is not None:
            await self._server.stop()

    async def _take(self, request: web.Request) -> web.Response:
        self.callers.add(require_role(Role.DISPATCHER)(request))
        self.connections.add(id(request.transport))
        batches = decode_batches(await read_body(request, MAX_INTERNAL_BYTES))
        self.requests.append(batches)
        self.arrived.append(time.monotonic())
        await self.gate.wait()
        await asyncio.sleep(self.slow_s)
        unserved = tuple({one.video_id for one in batches} & self.unserved)
        body = encode(ForwardReply(unserved)) if self.garbage is None else self.garbage
        return web.Response(body=body, status=self.status)
