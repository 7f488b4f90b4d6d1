"""Ops listeners that know one another, and peers that answer badly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp

from service.config import EnvReader, ServiceConfig
from service.health import Health
from service.metrics import new_registry
from service.ops import OpsServer
from tests.support import TIMEOUT_FACTOR
from wire.roles import Role

HOSTILE = "<img src=x onerror='window.broken = 1'>\u202e</script><script>window.broken = 1</script>"


class MapProcess:
    """`async with MapProcess(...)`: an ops listener whose figures a test sets."""

    def __init__(self, role: Role, name: str, peers: Sequence[str] = (), **environ: str) -> None:
        self.health, self.registry = Health(), new_registry()
        self.health.started = True
        self.figures: dict[str, Any] = {}
        self.videos: dict[str, Any] = {}
        self.role, self.name = role, name
        given = {"SERVICE_ID": name, "OPS_PEERS": ",".join(peers)} | environ
        self._config = ServiceConfig.read(EnvReader(given), role)
        self.server = self._new_server()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    @property
    def entry(self) -> str:
        """How others are told of it."""
        return f"{self.role}/{self.name}={self.address}"

    async def __aenter__(self) -> MapProcess:
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()

    async def get(self, path: str, **headers: str) -> tuple[aiohttp.ClientResponse, bytes]:
        async with (
            asyncio.timeout(20 * TIMEOUT_FACTOR),
            aiohttp.ClientSession() as session,
            session.get(f"http://{self.address}{path}", headers=headers) as reply,
        ):
            return reply, await reply.read()

    async def fetch_map(self) -> dict[str, Any]:
        async with (
            asyncio.timeout(20 * TIMEOUT_FACTOR),
            aiohttp.ClientSession() as session,
            session.get(f"http://{self.address}/map.json") as reply,
        ):
            assert reply.status == 200
            document: dict[str, Any] = await reply.json()
            return document

    def _new_server(self) -> OpsServer:
        return OpsServer(
            self._config, self.health, self.registry, lambda: self.figures, lambda _: self.videos
        )


Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def peer_that(speak: Speak) -> AsyncIterator[str]:
    """The address of a server that does what `speak` does with each connection."""
    ending = asyncio.Event()
    serving = set[asyncio.Task[None] | None]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        speaking = asyncio.ensure_future(speak(reader, writer))
        over = asyncio.ensure_future(ending.wait())
        await asyncio.wait({speaking, over}, return_when=asyncio.FIRST_COMPLETED)
        for task in (speaking, over):
            task.cancel()
        await asyncio.gather(speaking, over, return_exceptions=True)
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        ending.set()
        server.close()
        await server.wait_closed()
        await asyncio.gather(*filter(None, serving), return_exceptions=True)


def says(body: bytes, status: str = "200 OK", *headers: str) -> Speak:
    """One reply to whatever is asked."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
        writer.write("\r\n".join(head).encode() + body)
        await writer.drain()

    return speak


async def says_nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """As a process that was stopped: the connection is made, and that is all."""
    await reader.read()
    await asyncio.Event().wait()


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte now and then, so that a limit on silence would never be reached."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


async def never_ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        await writer.drain()


async def talks_something_else(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n" * 10)
    await writer.drain()
    await reader.read()
