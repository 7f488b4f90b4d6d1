"""What both drivers have in common of httpx: how requests are made, replies read, errors named."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import httpx

from livecomments_client._core.effects import NoAnswer, Reply, Request
from livecomments_client._version import __version__

CONNECT_TIMEOUT_S = 5.0
MAX_KEPT = 20  # idle connections for the next calls; streams are not counted here

# Errors that another attempt would meet again: the program's own, so they are not hidden.
_OWN = (httpx.LocalProtocolError, httpx.UnsupportedProtocol)
_AGENT = f"livecomments-client/{__version__} python/{sys.version_info[0]}.{sys.version_info[1]}"


def base_url(url: str) -> str:
    """The root of the server, without a slash at the end. Raises ValueError."""
    parsed = httpx.URL(url)
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.fragment:
        raise ValueError(f"this is not the address of a server, such as https://host: {url!r}")
    return url.rstrip("/")


def client_options() -> dict[str, Any]:
    """How an httpx client is made where the application brings none. Every open stream has a
    connection of its own, so their number is not limited.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=MAX_KEPT)
    return {"limits": limits, "follow_redirects": False}


def request_options(base: str, request: Request) -> dict[str, Any]:
    """The arguments of httpx's `build_request`."""
    return {
        "method": request.method,
        "url": base + request.path,
        "params": {name: value for name, value in request.query.items() if value is not None},
        "headers": {"user-agent": _AGENT, "accept-encoding": "identity", **request.headers},
        "content": request.body,
        "timeout": httpx.Timeout(request.timeout_s, connect=CONNECT_TIMEOUT_S),
    }


def reply_of(response: httpx.Response, body: bytes = b"") -> Reply:
    """Its status, its headers and this body."""
    return Reply(response.status_code, _headers(response.headers), body)


def no_answer(exc: httpx.RequestError) -> NoAnswer:
    """The same error as an outcome. Raises `exc` if it is a mistake of the program."""
    if isinstance(exc, _OWN):
        raise exc
    if isinstance(exc, httpx.TimeoutException):
        reason = "silent"
    else:
        reason = "unreachable" if isinstance(exc, httpx.ConnectError) else "ended"
    found = NoAnswer(reason)
    found.__cause__ = exc
    return found


def _headers(headers: httpx.Headers) -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}
