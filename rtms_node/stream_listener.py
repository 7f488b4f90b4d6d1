"""The public listener of a node: reads one request head per connection, then makes it a viewer.

h11 only parses. The answer is written raw (the frames are chunks already, shared by all viewers,
and go out as they are), the connection closes with the stream, and the transport changes hands to
the `Viewer`: from then on a stream costs no task and no HTTP object. Options that every
stream needs are set on the listening socket, from which Linux hands them on: a small send buffer
(else the kernel swallows megabytes for a stalled viewer) and TCP_USER_TIMEOUT (else a vanished one
stays for a quarter of an hour).
"""

from __future__ import annotations

import asyncio
import math
import random
import socket
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import cast

import h11

from identity.readers import Readers
from rtms_node.hub import Hub
from rtms_node.stream_ends import Issue
from rtms_node.stream_request import (
    ALLOW,
    NOTHING_FOLLOWS,
    StreamRequest,
    is_stream_target,
    read_headers,
    read_stream_request,
)
from rtms_node.viewer import UnchunkedViewer, Viewer
from service.edge import (
    HEAD_DEADLINE_S,
    MAX_HEAD_BYTES,
    PUBLIC_HEADERS,
    REQUEST_ID,
    STREAM_PREFLIGHT,
    USER_TIMEOUT_MS,
    Headers,
    PublicEdge,
    address_owner,
    request_id,
)
from wire.errors import BadRequest, LivecommentsError
from wire.problem import encode_problem, problem_headers
from wire.sse import CONTENT_TYPE

BACKLOG = 4_096
MAX_UNREAD = 4_096  # connections whose request is not whole yet; more are reset
SEND_BUFFER_BYTES = 64 * 1024

_STREAM_HEADERS = {
    "Content-Type": CONTENT_TYPE,
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}

Fallback = Callable[[], asyncio.Protocol]


class StreamListener:
    """Accepts viewers. readers: who may watch; without it anybody may. fallback: makes the protocol
    for connections that do not ask for a stream (one process that also serves posts); without it
    they get a problem document.
    """

    def __init__(
        self,
        hub: Hub,
        edge: PublicEdge,
        host: str,
        port: int,
        *,
        readers: Readers | None = None,
        fallback: Fallback | None = None,
    ) -> None:
        self.hub, self.edge, self.fallback = hub, edge, fallback
        self.readers = readers or Readers()
        self.unread = 0
        self.refused = 0
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on, 0 while it does not."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server else 0

    async def start(self) -> None:
        """Bind. Raises OSError if the port is taken."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
        sock.bind((self._host, self._port))
        self._server = await asyncio.get_running_loop().create_server(
            lambda: StreamConnection(self), sock=sock, backlog=BACKLOG
        )

    def adopt(self, transport: asyncio.Transport, head: bytes) -> None:
        """Serve a stream request that came on somebody else's connection; it is ours from now on.
        `head`: the request's head as it would have come on a new connection.
        """
        connection = StreamConnection(self)
        transport.set_protocol(connection)
        connection.connection_made(transport)
        connection.data_received(head)

    async def stop(self) -> None:
        """Stop accepting; open streams belong to the hub. Idempotent."""
        if self._server is not None:
            self._server.close()
            self._server = None


class StreamConnection(asyncio.Protocol):
    """One connection until its request head is whole."""

    __slots__ = ("_deadline", "_headers", "_listener", "_method", "_parser", "_read", "_transport")

    def __init__(self, listener: StreamListener) -> None:
        self._listener = listener
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._read = bytearray()  # also what a fallback must see again
        self._method = ""
        self._headers: Headers = read_headers(())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the deadline, or reset the connection when too many are unread."""
        # No isinstance check: uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(HEAD_DEADLINE_S, self._transport.abort)
        self._listener.unread += 1
        if self._listener.unread > MAX_UNREAD:
            self._listener.refused += 1
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client left, or was too slow."""
        self._done()

    def data_received(self, data: bytes) -> None:
        """Read until the head is whole. Empty lines before it are skipped (RFC 9112, 2.2)."""
        if not self._read:
            data = data.lstrip(b"\r\n")
        self._read += data
        try:
            self._parser.receive_data(data)
            event = self._parser.next_event()
            if len(self._read) - len(self._parser.trailing_data[0]) > MAX_HEAD_BYTES:
                raise BadRequest(f"the request head is over {MAX_HEAD_BYTES} bytes")
            if isinstance(event, h11.Request):
                self._deadline.cancel()
                self._on_request(event)
        except h11.RemoteProtocolError as exc:
            self._refuse(BadRequest(str(exc)))
        except LivecommentsError as exc:
            self._refuse(exc)

    def eof_received(self) -> None:
        """The client has closed its side before it asked: so do we."""

    def _on_request(self, request: h11.Request) -> None:
        target = request.target.decode("latin-1")
        if self._listener.fallback is not None and not is_stream_target(target):
            self._hand_over(self._listener.fallback())
            return
        self._method = request.method.decode("latin-1")
        self._headers = read_headers(request.headers)
        if not isinstance(self._parser.next_event(), h11.EndOfMessage):
            raise BadRequest("a stream request has no body")
        if self._parser.trailing_data[0]:
            raise BadRequest(NOTHING_FOLLOWS)
        peer = self._transport.get_extra_info("peername")
        address = self._listener.edge.client_address(self._headers, peer[0] if peer else "")
        wanted = read_stream_request(self._method, target, self._headers, address_owner(address))
        if wanted.method == "OPTIONS":
            self._answer_options()
            return
        ends_at, issue = self._check_ticket(wanted)
        if wanted.method == "HEAD":
            self._finish(200, _STREAM_HEADERS)
        else:
            self._open(wanted, ends_at, issue, chunked=request.http_version != b"1.0")

    def _check_ticket(self, wanted: StreamRequest) -> tuple[float, Issue | None]:
        """The loop's time at which the stream has to end, infinity without a ticket; and to whom
        its token was issued, and when.
        """
        readers = self._listener.readers
        ticket = readers.check_stream(wanted.tickets, wanted.video_id)
        if ticket is None:
            return math.inf, None
        left_s = readers.seconds_left(ticket, random.random())  # noqa: S311 - jitter, no secret
        return asyncio.get_running_loop().time() + left_s, ticket.issue

    def _open(
        self, wanted: StreamRequest, ends_at: float, issue: Issue | None, *, chunked: bool
    ) -> None:
        self._done()
        coding = {"Transfer-Encoding": "chunked"} if chunked else {}
        self._write_head(200, _STREAM_HEADERS | coding)
        viewer = (Viewer if chunked else UnchunkedViewer)(
            self._listener.hub, self._transport, wanted.address, wanted.cursor, wanted.replay
        )
        self._transport.set_protocol(viewer)
        self._listener.hub.join(viewer, wanted.video_id, ends_at, issue)

    def _hand_over(self, protocol: asyncio.Protocol) -> None:
        self._done()
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        protocol.data_received(bytes(self._read))

    def _answer_options(self) -> None:
        allowed = self._listener.edge.allows(self._headers.get("Origin"))
        self._finish(204, {"Allow": ALLOW, **(STREAM_PREFLIGHT if allowed else {})})

    def _refuse(self, error: LivecommentsError) -> None:
        body = encode_problem(error)
        headers = problem_headers(error) | {"Content-Length": str(len(body))}
        self._finish(error.status, headers, body)

    def _finish(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        self._write_head(status, headers)
        if self._method != "HEAD":
            self._transport.write(body)
        self._transport.close()

    def _write_head(self, status: int, headers: Mapping[str, str]) -> None:
        every = {
            "Date": _date(int(time.time())),
            REQUEST_ID: request_id(self._headers),
            **PUBLIC_HEADERS,
            "Connection": "close",
        }
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        of_origin = self._listener.edge.origin_headers(self._headers)
        for name, value in {**headers, **of_origin, **every}.items():
            lines.append(f"{name}: {value}")
        self._transport.write("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def _done(self) -> None:
        """This connection no longer counts as unread."""
        if not self._deadline.cancelled():
            self._deadline.cancel()
        if self._listener.unread and self._parser is not None:
            self._listener.unread -= 1
            self._parser = None  # type: ignore[assignment]


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    """Of all heads written in that second: when a node is new, thousands of viewers come in one."""
    return formatdate(second, usegmt=True)
