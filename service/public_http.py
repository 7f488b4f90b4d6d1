"""An aiohttp application for the public: the rules of `service.edge`, on this library's requests.

Middlewares, the outermost first: what every reply carries; the request id and problem documents;
paths in another spelling; preflights. The handlers come last.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from service.edge import PUBLIC_HEADERS, PublicEdge, preflight_headers, split_target
from service.http_server import new_application
from service.middleware import SERVER, Handler, problems
from wire.errors import NotFound

_HEADERS = {**PUBLIC_HEADERS, "Server": SERVER}


def new_public_application(edge: PublicEdge, closing: Callable[[], bool]) -> web.Application:
    """An application without routes. While `closing()` is true each reply asks the client to close
    its connection.
    """
    app = new_application(_response_headers(closing), problems, _only_plain_paths)
    if edge.origins:
        _allow_origins(app, edge)
    return app


def client_address(request: web.Request, edge: PublicEdge) -> str:
    """Whose request it is."""
    return edge.client_address(request.headers, request.remote or "")


def _response_headers(closing: Callable[[], bool]) -> Handler:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        response.headers.update(_HEADERS)
        if closing():
            response.force_close()
        return response

    return middleware  # type: ignore[return-value]


@web.middleware
async def _only_plain_paths(request: web.Request, handler: Handler) -> web.StreamResponse:
    """404 unless the path is spelt as we spell it: `%76` is not `v`, and `/a/../b` is not `/b`."""
    if split_target(request.raw_path)[0] != request.path:
        raise NotFound()
    return await handler(request)


def _allow_origins(app: web.Application, edge: PublicEdge) -> None:
    """Let scripts of the allowed origins read all replies, the library's own too, and answer their
    preflights.
    """

    @web.middleware
    async def preflights(request: web.Request, handler: Handler) -> web.StreamResponse:
        # The method first: every post comes by here.
        if _is_preflight(request) and edge.allows(request.headers.get("Origin")):
            return _preflight_reply(request)
        return await handler(request)

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(edge.origin_headers(request.headers))

    app.middlewares.append(preflights)
    app.on_response_prepare.append(add_headers)


def _is_preflight(request: web.Request) -> bool:
    return (
        request.method == "OPTIONS"
        and "Access-Control-Request-Method" in request.headers
        and isinstance(request.match_info.http_exception, web.HTTPMethodNotAllowed)
    )


def _preflight_reply(request: web.Request) -> web.Response:
    refused = request.match_info.http_exception
    assert isinstance(refused, web.HTTPMethodNotAllowed)  # the path exists, OPTIONS does not
    return web.Response(status=204, headers=preflight_headers(refused.allowed_methods))
