"""Calls to peers that refuse, dawdle, lie or overflow: always PeerError, always in time."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web
from multidict import CIMultiDictProxy

from service.http_client import InternalClient
from service.http_server import HttpServer
from service.logs import bind_request
from tests.integration.service.pki import Pki
from tests.support import eventually, started
from tests.tcp_proxy import TcpProxy
from wire.errors import PeerError
from wire.internal import MAX_INTERNAL_BYTES
from wire.roles import Peer, Role

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class FreeServer:
    """A node whose handler a test may choose."""

    def __init__(self, pki: Pki) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        context = pki.files(Role.NODE, "n1").server()
        self.server = HttpServer(app, "127.0.0.1", 0, ssl_context=context)
        self.requests: list[tuple[str, str, bytes]] = []
        self.headers: list[CIMultiDictProxy[str]] = []
        self.connections: set[int] = set()
        self.reply: Callable[[], web.Response] = lambda: web.Response(body=b"ok")
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    def peer(self) -> Peer:
        return Peer(Role.NODE, "n1", "127.0.0.1", self.server.port)

    async def _handle(self, request: web.Request) -> web.Response:
        self.requests.append((request.method, request.raw_path, await request.read()))
        self.headers.append(request.headers)
        self.connections.add(id(request.transport))
        await self.gate.wait()
        return self.reply()


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


@pytest.fixture
async def server(pki: Pki) -> AsyncIterator[FreeServer]:
    server = FreeServer(pki)
    await server.server.start()
    yield server
    server.gate.set()
    await server.server.stop()


@pytest.fixture
async def client(pki: Pki) -> AsyncIterator[InternalClient]:
    async with started(InternalClient(pki.files(Role.WRITER, "w1"), deadline_s=5.0)) as client:
        yield client


async def test_a_call_gives_the_body_of_the_reply(
    server: FreeServer, client: InternalClient
) -> None:
    assert await client.post(server.peer, "/a?b=c", b"body") == b"ok"
    assert await client.get(server.peer, "/x") == b"ok"
    assert server.requests == [("POST", "/a?b=c", b"body"), ("GET", "/x", b"")]


async def test_connections_are_kept(server: FreeServer, client: InternalClient) -> None:
    for _ in range(5):
        await client.post(server.peer, "/a", b"")
    assert len(server.connections) == 1


async def test_no_more_than_so_many_connections_a_peer(server: FreeServer, pki: Pki) -> None:
    client = InternalClient(pki.files(Role.WRITER, "w2"), deadline_s=20.0, per_peer=2)
    await client.start()
    await asyncio.gather(*(client.post(server.peer, "/a", b"") for _ in range(10)))
    assert len(server.connections) <= 2
    await client.stop()


async def test_a_refused_connection_is_a_peer_error(client: InternalClient) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(PeerError, match="node n1: ClientConnectorError"):
        await client.post(Peer(Role.NODE, "n1", "127.0.0.1", port), "/a", b"")


@pytest.mark.parametrize("host", ["nowhere.invalid", "", "::1", "a b", "a..b", "a" * 64, "a%b"])
async def test_an_address_that_leads_nowhere_is_a_peer_error(
    client: InternalClient, host: str
) -> None:
    with pytest.raises(PeerError):
        await client.post(Peer(Role.NODE, "n1", host, 1), "/a", b"", deadline_s=2)


@pytest.mark.parametrize("port", [-1, 0, 65536, 10**9])
async def test_a_port_that_cannot_be_is_a_peer_error(client: InternalClient, port: int) -> None:
    with pytest.raises(PeerError):
        await client.get(Peer(Role.NODE, "n1", "127.0.0.1", port), "/a", deadline_s=2)


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"\x00\xff" * 2_000,
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nLong: " + b"x" * 20_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
        b"HTTP/1.1 200 " + b"x" * 20_000 + b"\r\n\r\n",
        CHUNKED + b"xyz\r\nok\r\n0\r\n\r\n",
        CHUNKED + b"2\r\nokok\r\n0\r\n\r\n",
        CHUNKED + b"-2\r\nok\r\n0\r\n\r\n",
        CHUNKED + b"f" * 40 + b"\r\nok\r\n",
        CHUNKED + b"2\r\nok\r\n0\r\nno colon\r\n\r\n",
        CHUNKED + b"2\r\nok\r\n0\r\nTrailer: " + b"x" * 20_000 + b"\r\n\r\n",
        CHUNKED + b"2\r\nok",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx",
    ],
    ids=lambda reply: str(reply[:60]),
)
async def test_a_reply_that_is_none_is_a_peer_error(
    pki: Pki, client: InternalClient, reply: bytes
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        writer.close()

    context = pki.files(Role.NODE, "n1").server()
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    peer = Peer(Role.NODE, "n1", "127.0.0.1", server.sockets[0].getsockname()[1])
    async with server:
        with pytest.raises(PeerError):
            await client.get(peer, "/a")


async def test_a_call_that_is_cancelled_is_cancelled(
    server: FreeServer, client: InternalClient
) -> None:
    server.gate.clear()
    call = asyncio.create_task(client.get(server.peer, "/a"))
    await eventually(lambda: server.requests)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_slow_peer_is_given_up_at_the_deadline(
    server: FreeServer, client: InternalClient
) -> None:
    server.gate.clear()
    started = time.monotonic()
    with pytest.raises(PeerError, match="TimeoutError") as failed:
        await client.post(server.peer, "/a", b"", deadline_s=0.2)
    assert 0.1 < time.monotonic() - started < 3
    assert failed.value.reply_status == 0
    server.gate.set()
    assert await client.post(server.peer, "/a", b"") == b"ok"


async def test_a_blackholed_peer_is_given_up_at_the_deadline(
    server: FreeServer, client: InternalClient
) -> None:
    async with TcpProxy(server.server.port) as proxy:
        proxy.blackhole()
        with pytest.raises(PeerError, match="Timeout"):
            await client.post(
                Peer(Role.NODE, "n1", "127.0.0.1", proxy.port), "/a", b"", deadline_s=0.2
            )
    assert server.requests == []


async def test_a_detour_is_taken_and_the_peer_must_still_prove_itself(
    server: FreeServer, pki: Pki
) -> None:
    detours = {"node/n1": ("127.0.0.1", server.server.port)}
    client = InternalClient(pki.files(Role.WRITER, "w3"), deadline_s=5.0, detours=detours)
    await client.start()
    assert await client.get(Peer(Role.NODE, "n1", "192.0.2.1", 9), "/x") == b"ok"
    impostor = InternalClient(
        pki.files(Role.WRITER, "w4"),
        deadline_s=5.0,
        detours={"node/n2": ("127.0.0.1", server.server.port)},
    )
    await impostor.start()
    with pytest.raises(PeerError):
        await impostor.get(Peer(Role.NODE, "n2", "192.0.2.1", 9), "/x")
    await client.stop()
    await impostor.stop()


async def test_a_peer_that_hangs_up_is_a_peer_error(
    server: FreeServer, client: InternalClient
) -> None:
    async with TcpProxy(server.server.port) as proxy:
        far = Peer(Role.NODE, "n1", "127.0.0.1", proxy.port)
        assert await client.post(far, "/a", b"") == b"ok"
        server.gate.clear()
        call = asyncio.create_task(client.post(far, "/a", b""))
        while len(server.requests) < 2:
            await asyncio.sleep(0.01)
        proxy.cut()
        with pytest.raises(PeerError):
            await call
        with pytest.raises(PeerError):
            await client.post(far, "/a", b"")
        server.gate.set()
        proxy.heal()
        assert await client.post(far, "/a", b"") == b"ok"


@pytest.mark.parametrize("status", [201, 204, 301, 302, 400, 403, 404, 413, 500, 503])
async def test_any_status_but_200_is_a_peer_error_that_names_it(
    server: FreeServer, client: InternalClient, status: int
) -> None:
    server.reply = lambda: web.Response(
        status=status, headers={"Location": "https://elsewhere.invalid/"}
    )
    with pytest.raises(PeerError, match=f"status {status}") as failed:
        await client.post(server.peer, "/a", b"")
    assert failed.value.reply_status == status
    assert len(server.requests) == 1  # no redirect was followed, nothing was sent again


async def test_a_reply_over_the_limit_is_a_peer_error(
    server: FreeServer, client: InternalClient
) -> None:
    server.reply = lambda: web.Response(body=b"x" * MAX_INTERNAL_BYTES)
    assert len(await client.get(server.peer, "/a")) == MAX_INTERNAL_BYTES
    server.reply = lambda: web.Response(body=b"x" * (MAX_INTERNAL_BYTES + 1))
    with pytest.raises(PeerError, match="over"):
        await client.get(server.peer, "/a")


async def test_a_compressed_reply_is_not_unpacked(
    server: FreeServer, client: InternalClient
) -> None:
    packed = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
    server.reply = lambda: web.Response(body=packed, headers={"Content-Encoding": "gzip"})
    assert await client.get(server.peer, "/a") == packed


@pytest.mark.parametrize(
    ("request_id", "trace"),
    [
        ("00f067aa0ba902b7", "0" * 16 + "00f067aa0ba902b7"),
        ("4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("not hex!", None),
        ("0000", None),
        ("A" * 64, None),
    ],
)
async def test_every_call_carries_a_request_id_and_a_trace_parent(
    server: FreeServer, client: InternalClient, request_id: str, trace: str | None
) -> None:
    with bind_request(request_id):
        await client.get(server.peer, "/a")
    (headers,) = server.headers
    assert headers["X-Request-Id"] == request_id
    parent = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-01", headers["traceparent"])
    assert parent is not None
    assert int(parent[1], 16)
    assert trace in (None, parent[1])


async def test_a_call_outside_any_request_makes_up_an_id(
    server: FreeServer, client: InternalClient
) -> None:
    await client.get(server.peer, "/a")
    assert re.fullmatch(r"[0-9a-f]{16}", server.headers[0]["X-Request-Id"])


async def test_a_client_that_is_not_started_or_stopped_says_so(
    server: FreeServer, client: InternalClient
) -> None:
    await client.stop()
    await client.stop()
    with pytest.raises(PeerError, match="not started"):
        await client.get(server.peer, "/a")
