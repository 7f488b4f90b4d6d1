"""The replies that HAProxy makes itself: problem documents, and for streams a `bye`.

A stream's reply is evaluated for each viewer, so that they do not all return at once. The others
are static files, because HAProxy's parser answers before any rule can run.
"""

from __future__ import annotations

from pathlib import Path

from rtms_node.stream_request import ALLOW
from wire.errors import (
    BadGateway,
    BadRequest,
    BodyTooLarge,
    Forbidden,
    GatewayTimeout,
    LivecommentsError,
    MethodNotAllowed,
    NotFound,
    TooManyRequests,
    Unavailable,
)
from wire.problem import CONTENT_TYPE, encode_problem
from wire.sse import RETRY_MS, ByeReason, bye_frame


class _RequestTimeout(BadRequest):
    status = 408
    code = "request_timeout"
    title = "The request did not arrive in time"


class _NotImplemented(LivecommentsError):
    status = 501
    code = "not_implemented"
    title = "Not implemented"


class _NoStreamMethod(MethodNotAllowed):
    """The only path whose methods the gateway itself knows."""

    def __init__(self) -> None:
        super().__init__(ALLOW)


class _Refused(Forbidden):
    title = "Forbidden"


_ERRORS: tuple[tuple[type[LivecommentsError], str], ...] = (
    (BadRequest, "Bad Request"),
    (_Refused, "Forbidden"),
    (NotFound, "Not Found"),
    (_NoStreamMethod, "Method Not Allowed"),
    (_RequestTimeout, "Request Timeout"),
    (BodyTooLarge, "Content Too Large"),
    (TooManyRequests, "Too Many Requests"),
    (LivecommentsError, "Internal Server Error"),
    (_NotImplemented, "Not Implemented"),
    (BadGateway, "Bad Gateway"),
    (Unavailable, "Service Unavailable"),
    (GatewayTimeout, "Gateway Timeout"),
)


def errorfile_lines() -> list[str]:
    """The lines of the configuration that name the static replies."""
    return [f"errorfile {error.status} errors/{error.status}.http" for error, _ in _ERRORS]


def write_errors(folder: Path) -> None:
    """Write all replies into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for error_type, reason in _ERRORS:
        (folder / f"{error_type.status}.http").write_bytes(_reply(error_type(), reason))
    for bye in (ByeReason.SHED, ByeReason.UNAVAILABLE):
        (folder / f"bye-{bye}.sse").write_bytes(_bye(bye))


def _reply(error: LivecommentsError, reason: str) -> bytes:
    body = encode_problem(error)
    headers = {
        "Content-Type": CONTENT_TYPE,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Connection": "close",
        **error.headers,
    }
    lines = [f"HTTP/1.1 {error.status} {reason}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _bye(reason: ByeReason) -> bytes:
    low, high = RETRY_MS
    opening = f"retry: %[rand({high - low + 1}),add({low})]\n%[var(txn.id_line)]\n"
    return bye_frame(reason, opening=opening.encode())
