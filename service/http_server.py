"""An aiohttp listener with the deadlines and error bodies that aiohttp itself lacks.

aiohttp closes an idle keep-alive connection, but a client may drip a request head for as long as
that idle time, leave a reply unread for ever, and errors that its parser finds are answered in
plain text or HTML. Here a head must be whole `head_deadline_s` after its first byte (after the
connection for the first one; a TLS handshake has as long), a reply must be taken within
`write_deadline_s`, and every error is a problem document. Connections over `max_connections` are
closed at once and counted. A request that only reads is given up when its caller goes (see
`caller`); what may change something is carried out all the same, for its caller may have meant it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Collection
from typing import Any, cast

import structlog
from aiohttp import http_parser, web

from service.caller import Caller, caller
from service.edge import HEAD_DEADLINE_S, USER_TIMEOUT_MS
from service.middleware import problem_of, problem_response
from wire.comment import MAX_BODY_BYTES
from wire.errors import BadRequest, LivecommentsError

log = structlog.get_logger()

BACKLOG = 1024
MAX_CONNECTIONS = 10_000
_TLS_CLOSE_S = 2.0


def require_c_parser() -> None:
    """Raises RuntimeError without aiohttp's C parser: the one in Python has most of the smuggling
    faults.
    """
    if not hasattr(http_parser, "HttpRequestParserC"):
        raise RuntimeError("aiohttp was installed without its C extension; refusing to start")


class _Connection(web.RequestHandler):
    """One HTTP connection. `_head_timer` runs while a request head is due: not for one that comes
    in one piece, as nearly all do. `_write_timer` outlives a reply and looks at the time when it
    ends, since a timer for each reply costs more than the rest of this class.
    """

    __slots__ = ("__dict__",)

    def __init__(self, owner: HttpServer, server: web.Server, **kwargs: Any) -> None:
        super().__init__(server, **kwargs)
        self._owner = owner
        self._admitted = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._write_due: float | None = None  # when a reply must have been taken, if one is sent
        self._handling = False
        self._client_done = False
        self._reader: Caller | None = None  # of a request that only reads

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._admitted = self._owner.admit(self)
        if not self._admitted:
            # No isinstance check: uvloop's transports are no subclasses of asyncio's.
            cast(asyncio.Transport, transport).abort()
            return
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # `_messages`: heads that are whole, and are about to be handled.
        if not self._handling and self._head_timer is None and not self._messages:
            self._expect_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._cancel_head_timer()
        if self._write_timer is not None:
            self._write_timer.cancel()
        if self._reader is not None:
            self._reader.gone()
        self._owner.forget(self)
        if self._admitted:
            super().connection_lost(exc)

    def head_complete(self, method: str) -> None:
        """A request has been read up to its body and is being handled by the current task."""
        self._handling = True
        self._cancel_head_timer()
        if method in self._owner.read_methods:
            self._reader = Caller()
            caller.set(self._reader)
            if self._client_done:
                self._reader.ended_its_side()

    def request_done(self) -> None:
        """The request has been answered; the next bytes begin another head."""
        self._handling = False
        self._reader = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """A request that aiohttp could not parse, as a problem document; the connection closes."""
        error: LivecommentsError = BadRequest() if status < 500 else LivecommentsError()
        if status >= 500:
            log.error("request_failed", error=repr(exc))
        response = problem_response(error, request.headers)
        response.force_close()
        return response

    def eof_received(self) -> bool:  # type: ignore[override]  # aiohttp leaves its result out
        """A client may end its side behind its request, and still waits for the reply (RFC 9112,
        section 9.6): True keeps ours open. Over TLS there is no such half.
        """
        idle = self._waiter is not None and not self._waiter.done() and not self._messages
        self._client_done = not idle
        if self._reader is not None:
            self._reader.ended_its_side()
        if self.transport is None or self.transport.get_extra_info("sslcontext") is not None:
            return False
        return self._client_done

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the reply; a client that does not take it in time is cut off. What the library
        raises before any middleware runs becomes a problem document here.
        """
        if isinstance(resp, web.HTTPException):
            resp = problem_response(problem_of(resp), request.headers)
        if self._client_done and not self._messages:
            resp.force_close()
        self._write_due = self._loop.time() + self._owner.write_deadline_s
        if self._write_timer is None and self.transport is not None:
            self._write_timer = self._loop.call_at(self._write_due, self._look_at_write)
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._write_due = None

    def _expect_head(self) -> None:
        self._head_timer = self._loop.call_later(self._owner.head_deadline_s, self._late)

    def _look_at_write(self) -> None:
        self._write_timer = None
        if self._write_due is None:
            return
        if self._loop.time() < self._write_due:  # of a later reply than the one that began it
            self._write_timer = self._loop.call_at(self._write_due, self._look_at_write)
        else:
            self._late()

    def _late(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def _cancel_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


@web.middleware
async def _mark_handling(request: web.Request, handler: Any) -> web.StreamResponse:
    connection = request.protocol
    if not isinstance(connection, _Connection):
        return await handler(request)  # type: ignore[no-any-return]
    connection.head_complete(request.method)
    try:
        response: web.StreamResponse = await handler(request)
        if "Upgrade" in request.headers:
            # We never do. What follows such a request is held back by aiohttp, and what it makes
            # of it then is not to be relied on: a pipelined request was never answered.
            response.force_close()
        return response
    finally:
        connection.request_done()


class HttpServer:
    """Serves one aiohttp application on one port. `start` binds; `stop` is idempotent.
    read_methods: which requests only read, see above.
    """

    def __init__(
        self,
        app: web.Application,
        host: str,
        port: int,
        *,
        ssl_context: ssl.SSLContext | None = None,
        head_deadline_s: float = HEAD_DEADLINE_S,
        write_deadline_s: float = 30.0,
        idle_s: float = 75.0,
        max_connections: int = MAX_CONNECTIONS,
        read_methods: Collection[str] = ("GET", "HEAD"),
    ) -> None:
        app.middlewares.insert(0, _mark_handling)
        self._kwargs: dict[str, Any] = {
            "keepalive_timeout": idle_s,
            "access_log": None,
            "lingering_time": 1.0,
            "auto_decompress": False,  # nobody sends us compressed bodies; see also zip bombs
        }
        self._runner = web.AppRunner(app, shutdown_timeout=3.0, **self._kwargs)
        self._host, self._port = host, port
        self._ssl_context = ssl_context
        self.head_deadline_s = head_deadline_s
        self.write_deadline_s = write_deadline_s
        self._max_connections = max_connections
        self.read_methods = read_methods
        self._open: set[_Connection] = set()
        self.refused_connections = 0
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on (known after `start`)."""
        assert self._server is not None, "not started"
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def connections(self) -> int:
        """How many are open (over TLS: with the handshake done)."""
        return len(self._open)

    def admit(self, connection: _Connection) -> bool:
        """Whether there is room for a new connection, which is then counted."""
        if len(self._open) >= self._max_connections:
            self.refused_connections += 1
            return False
        self._open.add(connection)
        return True

    def forget(self, connection: _Connection) -> None:
        """A connection has ended."""
        self._open.discard(connection)

    def connection(self) -> asyncio.Protocol:
        """A new connection's protocol; also for a listener that hands connections over."""
        server = self._runner.server
        assert server is not None, "not started"
        return _Connection(self, server, loop=asyncio.get_running_loop(), **self._kwargs)

    async def prepare(self) -> None:
        """Get ready without binding a port: for a listener that hands connections over."""
        require_c_parser()
        await self._runner.setup()

    async def start(self) -> None:
        """Bind and serve. Raises OSError if the port is taken."""
        await self.prepare()
        over_tls: dict[str, Any] = {}
        if self._ssl_context is not None:
            over_tls = {
                "ssl": self._ssl_context,
                "ssl_handshake_timeout": self.head_deadline_s,
                "ssl_shutdown_timeout": _TLS_CLOSE_S,
            }
        self._server = await asyncio.get_running_loop().create_server(
            self.connection, self._host, self._port, backlog=BACKLOG, **over_tls
        )

    async def stop(self) -> None:
        """Stop accepting, give requests in progress a few seconds, close."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._runner.cleanup()


def new_application(*middlewares: Any) -> web.Application:
    """An application with our body limit; `middlewares` run outermost first."""
    return web.Application(client_max_size=MAX_BODY_BYTES, middlewares=list(middlewares))
