"""What browsers may do from other origins: nothing, unless the origin is configured."""

from __future__ import annotations

from collections.abc import Collection

from aiohttp import web

from service.middleware import Handler

_EXPOSED = "Location, Idempotency-Replayed, Retry-After, X-Request-Id"
_ALLOWED_HEADERS = "Content-Type, Idempotency-Key, X-Request-Id"
_PREFLIGHT_AGE_S = 600


def cors(origins: Collection[str]) -> Handler:
    """A middleware that answers preflights from `origins` (`*`: any) and lets their scripts read
    replies.
    """
    allowed = frozenset(origins)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not allowed:
            return await handler(request)
        origin = request.headers.get("Origin", "")
        welcome = bool({origin, "*"} & allowed) and origin != ""
        if welcome and _is_preflight(request):
            response: web.StreamResponse = _preflight_reply(request)
        else:
            response = await handler(request)
        response.headers["Vary"] = "Origin"
        if welcome:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = _EXPOSED
        return response

    return middleware  # type: ignore[return-value]


def _is_preflight(request: web.Request) -> bool:
    return (
        request.method == "OPTIONS"
        and "Access-Control-Request-Method" in request.headers
        and isinstance(request.match_info.http_exception, web.HTTPMethodNotAllowed)
    )


def _preflight_reply(request: web.Request) -> web.Response:
    refused = request.match_info.http_exception
    assert isinstance(refused, web.HTTPMethodNotAllowed)  # the path exists, OPTIONS does not
    return web.Response(
        status=204,
        headers={
            "Access-Control-Allow-Methods": ", ".join(sorted(refused.allowed_methods)),
            "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
            "Access-Control-Max-Age": str(_PREFLIGHT_AGE_S),
        },
    )
