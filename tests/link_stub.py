"""The callee's end of links, over real mutual TLS, in the place of one of our processes: it can be
slow, silent, wrong or away.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from aiohttp import WSCloseCode, web

from cluster.ca import DevelopmentCa
from service.http_server import HttpServer, new_application
from service.middleware import problems, require_role
from service.tls import TlsFiles
from wire.errors import Unavailable
from wire.internal import DISPATCH, FORWARD, MAX_INTERNAL_BYTES, Batch, decode_batches, encode
from wire.link import Ack
from wire.roles import Peer, Role

_CALLED_AT = {Role.DISPATCHER: (DISPATCH, Role.WRITER), Role.NODE: (FORWARD, Role.DISPATCHER)}
_PING_EVERY_S = 0.2


class LinkStub:
    """`requests`: the batches of each frame, `arrived`: when it came. `gate` cleared withholds
    acknowledgements, `slow_s` delays them, `lie` is said instead of them. `silent` says nothing at
    all, `refusing` opens no link and ends those that are used. `unserved` are reported.
    """

    def __init__(self, role: Role, ca: DevelopmentCa, folder: Path, name: str) -> None:
        self.role, self.name, self.port = role, name, 0
        ca.issue(role, name).write(folder / name)
        self.tls = TlsFiles(folder / name)
        self._server: HttpServer | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.slow_s = 0.0
        self.lie: bytes | None = None
        self.silent = self.refusing = False
        self.unserved: set[str] = set()
        self.requests: list[tuple[Batch, ...]] = []
        self.arrived: list[float] = []
        self.callers: set[str] = set()
        self.opened = 0
        self.sockets: set[web.WebSocketResponse] = set()

    @property
    def peer(self) -> Peer:
        return Peer(self.role, self.name, "127.0.0.1", self.port)

    @property
    def seqs(self) -> list[int]:
        """First numbers of all batches in order of arrival."""
        return [batch.first_seq for request in self.requests for batch in request]

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
        path, self._caller = _CALLED_AT[self.role]
        app.router.add_get(path, self._serve)
        app.on_shutdown.append(lambda _app: self.hang_up())
        self._server = HttpServer(app, "127.0.0.1", self.port, ssl_context=self.tls.server())
        await self._server.start()
        self.port = self._server.port

    async def stop(self) -> None:
        self.gate.set()
        if self._server is not None:
            await self._server.stop()

    async def hang_up(self) -> None:
        """End all links."""
        for socket in list(self.sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.callers.add(require_role(self._caller)(request))
        if self.refusing:
            raise Unavailable()
        socket = web.WebSocketResponse(
            timeout=0.2, compress=False, max_msg_size=MAX_INTERNAL_BYTES + 1
        )
        await socket.prepare(request)
        self.opened += 1
        self.sockets.add(socket)
        acks = _Acks(self, socket)
        try:
            async for message in socket:
                if message.data and not self.refusing:
                    acks.take(decode_batches(message.data))
                elif message.data:
                    await socket.close()
        finally:
            self.sockets.discard(socket)
            await acks.stop()
        return socket


class _Acks:
    """What is said on one link."""

    def __init__(self, stub: LinkStub, socket: web.WebSocketResponse) -> None:
        self._stub, self._socket = stub, socket
        self._taken = self._said = 0
        self._unserved: set[str] = set()
        self._wake = asyncio.Event()
        self._tasks = [asyncio.create_task(self._acknowledge()), asyncio.create_task(self._ping())]

    def take(self, batches: tuple[Batch, ...]) -> None:
        self._taken += 1
        self._stub.requests.append(batches)
        self._stub.arrived.append(time.monotonic())
        self._unserved |= {one.video_id for one in batches} & self._stub.unserved
        self._wake.set()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _acknowledge(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            taken, unserved = self._taken, tuple(self._unserved)
            self._unserved.clear()
            await self._stub.gate.wait()
            await asyncio.sleep(self._stub.slow_s)
            self._said = taken
            await self._say(Ack(taken, (), unserved))

    async def _ping(self) -> None:
        while True:
            await self._say(Ack(self._said))
            await asyncio.sleep(_PING_EVERY_S)

    async def _say(self, ack: Ack) -> None:
        if not self._stub.silent:
            lie = self._stub.lie if ack.taken else None
            await self._socket.send_bytes(lie if lie is not None else encode(ack))
