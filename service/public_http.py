"""An aiohttp application for the public: the rules of `service.edge`, on this library's requests.

One middleware does all of it, because every post passes it: the request id, paths in another
spelling, preflights, problem documents, and what every reply carries.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from service.edge import (
    PUBLIC_HEADERS,
    REQUEST_ID,
    PublicEdge,
    preflight_headers,
    request_id,
    split_target,
)
from service.http_server import new_application
from service.logs import bind_request
from service.middleware import SERVER, Handler, error_of, problem_response
from wire.errors import NotFound

_HEADERS = {**PUBLIC_HEADERS, "Server": SERVER}


def new_public_application(
    edge: PublicEdge, closing: Callable[[], bool], count_refused: Callable[[str], None]
) -> web.Application:
    """An application without routes. While `closing()` is true each reply asks the client to close
    its connection. `count_refused` is told the code of each problem that is sent.
    """
    app = new_application(_public(edge, closing, count_refused))
    if edge.origins:
        app.on_response_prepare.append(_origin_headers(edge))
    return app


def client_address(request: web.Request, edge: PublicEdge) -> str:
    """Whose request it is."""
    return edge.client_address(request.headers, request.remote or "")


def _public(
    edge: PublicEdge, closing: Callable[[], bool], count_refused: Callable[[str], None]
) -> Handler:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked_as = request_id(request.headers)
        with bind_request(asked_as):
            try:
                _check_path(request)
                if request.method == "OPTIONS" and _is_preflight(request, edge):
                    response: web.StreamResponse = _preflight_reply(request)
                else:
                    response = await handler(request)
            except Exception as exc:
                error = error_of(request, exc)
                count_refused(error.code)
                response = problem_response(error)
        response.headers.update(_HEADERS)
        response.headers[REQUEST_ID] = asked_as
        if closing():
            response.force_close()
        return response

    return middleware  # type: ignore[return-value]


def _check_path(request: web.Request) -> None:
    """Raises NotFound unless the path is spelt as we spell it: `%76` is not `v`, and `/a/../b` is
    not `/b`.
    """
    if split_target(request.raw_path)[0] != request.path:
        raise NotFound()


def _origin_headers(
    edge: PublicEdge,
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Let scripts of the allowed origins read all replies, the library's own too."""

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        varies = response.headers.get("Vary")
        response.headers.update(edge.origin_headers(request.headers))
        if varies is not None:  # on something else too
            response.headers["Vary"] += f", {varies}"

    return add_headers


def _is_preflight(request: web.Request, edge: PublicEdge) -> bool:
    return (
        edge.allows(request.headers.get("Origin"))
        and "Access-Control-Request-Method" in request.headers
        and isinstance(request.match_info.http_exception, web.HTTPMethodNotAllowed)
    )


def _preflight_reply(request: web.Request) -> web.Response:
    refused = request.match_info.http_exception
    assert isinstance(refused, web.HTTPMethodNotAllowed)  # the path exists, OPTIONS does not
    return web.Response(status=204, headers=preflight_headers(refused.allowed_methods))
