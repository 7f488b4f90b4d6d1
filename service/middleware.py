"""What every request passes: a request id, and our errors turned into problem documents in one
place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from service.edge import BODY_DEADLINE_S, REQUEST_ID, Headers, request_id
from service.logs import bind_request
from service.tls import peer_identity
from wire.errors import (
    BadRequest,
    BodyTooLarge,
    CallerError,
    ExpectationFailed,
    Forbidden,
    LengthRequired,
    LivecommentsError,
    MethodNotAllowed,
    NotFound,
)
from wire.problem import encode_problem, problem_headers
from wire.roles import Role

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_OURS: dict[type[web.HTTPException], type[LivecommentsError]] = {
    web.HTTPNotFound: NotFound,
    web.HTTPRequestEntityTooLarge: BodyTooLarge,
    web.HTTPExpectationFailed: ExpectationFailed,
}
SERVER = "livecomments"  # in place of aiohttp's own, which names versions


def problem_response(error: LivecommentsError, asked: Headers | None = None) -> web.Response:
    """An error as an aiohttp response. asked: the headers of a request that does not pass
    `problems`, which else adds the request id.
    """
    response = web.Response(
        status=error.status,
        body=encode_problem(error),
        headers={"Server": SERVER, **problem_headers(error)},
    )
    if asked is not None:
        response.headers[REQUEST_ID] = request_id(asked)
    return response


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Bind the request id and answer every error with a problem document, never with a trace or
    HTML.
    """
    asked_as = request_id(request.headers)
    with bind_request(asked_as):
        try:
            response = await handler(request)
        except Exception as exc:
            response = problem_response(error_of(request, exc))
    response.headers[REQUEST_ID] = asked_as
    response.headers.setdefault("Server", SERVER)
    return response


def error_of(request: web.Request, exc: Exception) -> LivecommentsError:
    """What a handler raised, in our words; logged unless it is the caller's fault. To be called
    where the exception is handled.
    """
    error = LivecommentsError()
    if isinstance(exc, LivecommentsError):
        error = exc
    elif isinstance(exc, web.HTTPException):
        error = problem_of(exc)
    else:
        log.exception("request_failed", path=request.path)
    if not isinstance(error, CallerError):
        log.warning("request_refused", path=request.path, code=error.code, detail=error.detail)
    return error


def problem_of(error: web.HTTPException) -> LivecommentsError:
    """What the library raised, in our words."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        return MethodNotAllowed(", ".join(sorted(error.allowed_methods)))
    known = _OURS.get(type(error))
    if known is not None:
        return known()
    return BadRequest(error.reason) if error.status < 500 else LivecommentsError()


def require_role(*roles: Role) -> Callable[[web.Request], str]:
    """A check for internal endpoints: the caller's id if its certificate proves one of `roles`,
    else Forbidden.
    """

    def check(request: web.Request) -> str:
        identity = peer_identity(request.transport)
        if identity is None or identity[0] not in roles:
            raise Forbidden()
        return identity[1]

    return check


async def read_body(request: web.Request, limit: int, deadline_s: float = BODY_DEADLINE_S) -> bytes:
    """The whole body. Raises LengthRequired, BodyTooLarge, or BadRequest when it does not come in
    time.
    """
    if not request.body_exists:
        if request.content_length is None:
            raise LengthRequired()
        return b""
    if request.content_length is not None and request.content_length > limit:
        raise BodyTooLarge(f"at most {limit} bytes")
    chunks = bytearray()
    try:
        if request.content.is_eof():  # came with the head, as nearly always: no deadline to watch
            return bytes(_within(request.content.read_nowait(-1), limit))
        async with asyncio.timeout(deadline_s):
            async for chunk in request.content.iter_any():
                chunks += chunk
                _within(chunks, limit)
    except (TimeoutError, HttpProcessingError, ConnectionError) as exc:
        if request.transport is not None:
            request.transport.abort()
        raise BadRequest("the body did not arrive") from exc
    return bytes(chunks)


def _within(body: bytes | bytearray, limit: int) -> bytes | bytearray:
    if len(body) > limit:
        raise BodyTooLarge(f"at most {limit} bytes")
    return body
