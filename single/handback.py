"""Streams that are asked for on a connection which aiohttp already holds.

Which protocol reads a connection is decided by its first request. Browsers and pooled clients keep
a connection on which they posted and ask for a stream on it later, so aiohttp meets stream requests
too. It could answer with a `bye`, and the EventSource would come back on a new connection; but that
is a needless round for the browser, and a client that does not reconnect would get no stream at
all. So the connection changes hands for a second time: the request's head goes to the stream
listener as if it had just come in, and whatever it answers (a stream, 404, 405, a preflight) is
what a new connection would have got. aiohttp runs a handler only when every reply before it has
been written, so nothing can get mixed up.

aiohttp has no call to give a connection away. It is told that the connection is lost, which is how
it forgets one: it cancels its timers, drops the reply of the handler that runs, and ends its task.
"""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.typedefs import Middleware

from rtms_node.stream_listener import StreamListener
from rtms_node.stream_request import NOTHING_FOLLOWS, is_stream_target
from service.middleware import Handler, problem_response
from wire.errors import BadRequest


def hand_back_streams(listener: StreamListener) -> Middleware:
    """A middleware, to be the outermost one, that gives stream requests to `listener`."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_stream_target(request.raw_path):
            return await handler(request)
        if request.protocol._messages:
            response = problem_response(BadRequest(NOTHING_FOLLOWS), request.headers)
            response.force_close()
            return response
        head = _head(request)
        transport = _detach(request.protocol)
        if transport is not None:
            listener.adopt(transport, head)
        return web.Response()  # thrown away: aiohttp has no connection to write it to

    return middleware


def _head(request: web.Request) -> bytes:
    """The head as it came: names, values and order are as the client sent them."""
    version = f"HTTP/{request.version.major}.{request.version.minor}"
    first = f"{request.method} {request.raw_path} {version}".encode("utf-8", "surrogateescape")
    lines = [first, *(name + b": " + value for name, value in request.raw_headers), b"", b""]
    return b"\r\n".join(lines)


def _detach(protocol: web.RequestHandler) -> asyncio.Transport | None:
    """The connection's transport, which aiohttp no longer knows; None if it is gone anyway."""
    transport = protocol.transport
    if transport is not None:
        protocol.transport = None  # else it would be closed now
        protocol.connection_lost(None)
    return transport
