"""What browsers may do from other origins: nothing, unless the origin is configured. Both public
edges, aiohttp's and the streams', answer by these rules, and the gateway for its own replies.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from aiohttp import web

from service.middleware import Handler
from wire.origins import ANY

EXPOSED_HEADERS = "Location, Idempotency-Replayed, Retry-After, X-Request-Id"
_ALLOWED_HEADERS = "Content-Type, Idempotency-Key, X-Request-Id"
_PREFLIGHT_AGE_S = 600


def origin_headers(origin: str | None, allowed: Collection[str]) -> dict[str, str]:
    """Headers of every reply to a request of `origin`; none where no origin is allowed. The reply
    may be read if Access-Control-Allow-Origin is among them.
    """
    if not allowed:
        return {}
    headers = {"Vary": "Origin"}
    if origin and (origin in allowed or ANY in allowed):
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    return headers


def preflight_headers(
    methods: Iterable[str], request_headers: str = _ALLOWED_HEADERS
) -> dict[str, str]:
    """What an allowed origin may do, beside `origin_headers`."""
    return {
        "Access-Control-Allow-Methods": ", ".join(sorted(methods)),
        "Access-Control-Allow-Headers": request_headers,
        "Access-Control-Max-Age": str(_PREFLIGHT_AGE_S),
    }


STREAM_PREFLIGHT: Mapping[str, str] = preflight_headers(("GET",), "Last-Event-ID, Cache-Control")


def allow_origins(app: web.Application, origins: Collection[str]) -> None:
    """Let scripts of `origins` read the replies of `app`, the library's own too, and answer their
    preflights.
    """
    allowed = frozenset(origins)
    if not allowed:
        return

    @web.middleware
    async def preflights(request: web.Request, handler: Handler) -> web.StreamResponse:
        # The method first: every post comes by here.
        if _is_preflight(request) and "Access-Control-Allow-Origin" in _headers(request, allowed):
            return _preflight_reply(request)
        return await handler(request)

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(_headers(request, allowed))

    app.middlewares.append(preflights)
    app.on_response_prepare.append(add_headers)


def _headers(request: web.Request, allowed: Collection[str]) -> dict[str, str]:
    return origin_headers(request.headers.get("Origin"), allowed)


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
