"""A real HAProxy with our configuration in front of small servers that do as they are told."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from cluster.ca import DevelopmentCa
from cluster.ports import free_ports
from cluster.servers import haproxy, haproxy_socket
from cluster.servers.haproxy_servers import Server
from tests.raw_http import Reply, parse_head, read_head
from tests.support import TIMEOUT_FACTOR
from wire.chunks import chunk

T = TypeVar("T")

STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Cache-Control: no-cache, no-transform\r\nTransfer-Encoding: chunked\r\n"
    b"Connection: close\r\n\r\n"
)


@dataclass
class Seen:
    """A request as a server saw it."""

    line: str
    headers: dict[str, str]
    writer: asyncio.StreamWriter
    gone: asyncio.Event = field(default_factory=asyncio.Event)  # its connection has ended

    async def send(self, frame: bytes) -> None:
        """A frame of a stream."""
        self.writer.write(chunk(frame))
        await self.writer.drain()


Act = Callable[[Seen], bytes | None]


def answer_json(_seen: Seen) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


def open_stream(_seen: Seen) -> bytes:
    return STREAM_HEAD + chunk(b"retry: 1000\nevent: hello\ndata: {}\n\n")


def say_nothing(_seen: Seen) -> None:
    return None


def hang_up(seen: Seen) -> None:
    seen.writer.close()


class Upstream:
    """One process behind the gateway: a public port, and an ops port that answers `health`.

    `act` says what is sent as reply (None: nothing); a stream stays open.
    """

    def __init__(
        self,
        number: int,
        act: Act,
        host: str = "127.0.0.1",
        ports: tuple[int, int] | None = None,
    ) -> None:
        self.number, self.host = number, host
        self.act = act
        self.health = 200
        self.seen: list[Seen] = []
        self.checked = asyncio.Event()
        self._servers: list[asyncio.Server] = []
        self._ports = ports or tuple(free_ports(2))
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        self._servers = [
            await asyncio.start_server(self._public, self.host, self._ports[0]),
            await asyncio.start_server(self._ops, self.host, self._ports[1]),
        ]

    async def stop(self) -> None:
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        await end(self._writers)

    def refuse_connections(self) -> None:
        """As a process that has just died, before any check has noticed."""
        self._servers[0].close()

    @property
    def server(self) -> Server:
        return Server(self.number, self.host, *self._ports)

    async def _public(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        mine: list[Seen] = []
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                line, headers = parse_head(await reader.readuntil(b"\r\n\r\n"))
                await reader.readexactly(int(headers.get("content-length", "0")))
                mine.append(Seen(line, headers, writer))
                self.seen.append(mine[-1])
                reply = self.act(mine[-1])
                if reply is not None:
                    writer.write(reply)
                    await writer.drain()
        for seen in mine:
            seen.gone.set()
        writer.close()

    async def _ops(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.0 %d X\r\nContent-Length: 0\r\n\r\n" % self.health)
            self.checked.set()
        writer.close()


@dataclass
class Client:
    """One connection to the gateway."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def head(self) -> tuple[int, dict[str, str]]:
        reply = await self.within(read_head(self.reader))
        return reply.status, reply.headers

    async def until(self, text: bytes) -> bytes:
        """Everything up to `text`; chunk sizes are in it too."""
        return await self.within(self.reader.readuntil(text))

    async def rest(self) -> bytes:
        return await self.within(self.reader.read())

    async def within(self, wait: Coroutine[None, None, T]) -> T:
        return await asyncio.wait_for(wait, 10 * TIMEOUT_FACTOR)

    def close(self) -> None:
        self.writer.close()


async def end(writers: list[asyncio.StreamWriter]) -> None:
    """Close connections for good: one that is left to the collector is a warning."""
    for writer in writers:
        writer.close()
    for writer in writers:
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@dataclass
class GatewayUnderTest:
    """HAProxy, three nodes and two writers."""

    folder: Path
    nodes: list[Upstream]
    writers: list[Upstream]
    placement: str = "hash"
    max_connections: int = 1000
    origins: tuple[str, ...] = ()
    edit: Callable[[str], str] = str
    ports: list[int] = field(default_factory=lambda: free_ports(2))
    clients: list[Client] = field(default_factory=list)

    @property
    def control(self) -> haproxy_socket.UnixControl:
        return haproxy_socket.UnixControl(self.folder)

    @property
    def gateway(self) -> haproxy.Gateway:
        return haproxy.Gateway(
            bind="127.0.0.1",
            http_port=self.ports[0],
            https_port=self.ports[1],
            certificate=Path("gateway.pem"),
            placement=self.placement,
            nodes=[node.server for node in self.nodes],
            writers=[writer.server for writer in self.writers],
            max_connections=self.max_connections,
            origins=self.origins,
        )

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        for upstream in [*self.nodes, *self.writers]:
            await upstream.start()
        DevelopmentCa.new().ensure_gateway(self.folder)
        config = haproxy.write(self.gateway, self.folder)
        config.write_text(self.edit(config.read_text()))
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(
                haproxy.command(config), cwd=self.folder, stdout=log, stderr=log
            )
        try:
            try:
                async with asyncio.timeout(10 * TIMEOUT_FACTOR):
                    await haproxy_socket.fill_slots(self.control, self.gateway.servers)
            except TimeoutError:
                raise AssertionError((self.folder / "log").read_text()) from None
            yield
        finally:
            process.kill()
            process.wait()
            await end([client.writer for client in self.clients])
            for upstream in [*self.nodes, *self.writers]:
                await upstream.stop()

    async def connect(self) -> Client:
        return self._keep(*await asyncio.open_connection("127.0.0.1", self.ports[0]))

    async def connect_tls(self, context: ssl.SSLContext) -> Client:
        opening = asyncio.open_connection(
            "127.0.0.1", self.ports[1], ssl=context, server_hostname="localhost"
        )
        return self._keep(*await opening)

    def _keep(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Client:
        self.clients.append(Client(reader, writer))
        return self.clients[-1]

    async def raw(self, data: bytes) -> Client:
        client = await self.connect()
        client.writer.write(data)
        return client

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        return await self.ask("GET", path, headers)

    async def post(self, path: str, body: bytes = b"{}") -> Reply:
        return await self.ask("POST", path, {"Content-Type": "application/json"}, body)

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Reply:
        """One request on a connection of its own; reads to the end of the reply."""
        fields = {"Host": "x", "Connection": "close", **(headers or {})}
        if body:
            fields["Content-Length"] = str(len(body))
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        client = await self.raw(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        status, replied = await client.head()
        rest = await client.rest()
        client.close()
        return Reply(status, replied, rest)

    async def stream(self, video: str = "v1", query: str = "") -> Client:
        path = f"/v1/videos/{video}/stream{query}"
        return await self.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    async def status_of(self, server: str) -> str:
        """What HAProxy thinks of `streams/node-1`."""
        backend, _, name = server.partition("/")
        for row in await haproxy_socket.fetch_stats(self.control, 10 * TIMEOUT_FACTOR):
            if (row["pxname"], row["svname"]) == (backend, name):
                return row["status"]
        return ""

    async def until_status(self, server: str, status: str) -> None:
        async with asyncio.timeout(15 * TIMEOUT_FACTOR):
            while not (await self.status_of(server)).startswith(status):
                await asyncio.sleep(0.02)
