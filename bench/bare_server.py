"""A peer of the node: a bare protocol on uvloop that accepts, holds and writes when told."""

from __future__ import annotations

import asyncio
import gc
import socket
from typing import Any, cast

import uvloop

from bench.child import at_rate_on_loop, carry_out_all_on_loop, cpu_s, rss_bytes
from rtms_node.stream_listener import BACKLOG, SEND_BUFFER_BYTES


class Held(asyncio.Protocol):
    """One connection that is only held."""

    __slots__ = ("_held", "transport")

    def __init__(self, held: dict[Held, None]) -> None:
        self._held = held

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self.transport = cast(asyncio.Transport, transport)
        self._held[self] = None

    def data_received(self, data: bytes) -> None:
        """Whatever it asks, one byte is the reply."""
        self.transport.write(b".")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._held.pop(self, None)


class BareServer:
    """Handlers of the process."""

    def __init__(self) -> None:
        self._held: dict[Held, None] = {}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Bind."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        sock.bind(("127.0.0.1", 0))
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Held(self._held), sock=sock, backlog=BACKLOG
        )

    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def rss(self) -> int:
        """Resident bytes."""
        gc.collect()
        return rss_bytes()

    async def send(self, payload: bytes, per_s: float, rounds: int) -> float:
        """CPU seconds of that many rounds of `transport.write` over all connections."""
        transports = [held.transport for held in self._held]
        before = cpu_s()

        def act(_i: int) -> None:
            for transport in transports:
                transport.write(payload)

        await at_rate_on_loop(per_s, rounds, act)
        await asyncio.sleep(0)  # uvloop writes at the end of the turn
        return cpu_s() - before


async def _serve(pipe: Any) -> None:
    server = BareServer()
    await server.start()
    await carry_out_all_on_loop(pipe, {"port": server.port, "rss": server.rss, "send": server.send})


def run(pipe: Any) -> None:
    """The process."""
    uvloop.run(_serve(pipe))
