"""One call of the API: the request with its token, tried until it is answered or its time is over.

Every call of the API sets a state or has a key, so each may be sent again when nobody knows whether
it was carried out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from livecomments_client._core.access import READ_NEEDS_TOKEN, Access
from livecomments_client._core.backoff import Budget
from livecomments_client._core.decode import parse_object
from livecomments_client._core.effects import Flow, NoAnswer, Reply, Request, Sleep, send
from livecomments_client.errors import Problem, Unreachable

REQUEST_TIMEOUT_S = 10.0
CALL_TIMEOUT_S = 30.0

_TRANSIENT = frozenset({502, 503, 504})
_MAX_TITLE = 200


@dataclass(frozen=True, slots=True)
class Context:
    """What all calls of one client share."""

    access: Access
    clock: Callable[[], float] = field(default=monotonic)


def is_transient(problem: Problem) -> bool:
    """Whether the same request may be granted later, whoever sends it."""
    return problem.status in _TRANSIENT or problem.code == "too_many_requests"


def call(
    context: Context,
    request: Request,
    *,
    timeout_s: float = CALL_TIMEOUT_S,
    reads: bool = False,
) -> Flow[Reply]:
    """The reply, of a status below 300. reads: a token is shown only where the server asks for one.
    Raises Problem, Unreachable, Closed, and what the application's source of tokens raises.
    """
    access = context.access
    budget = Budget(timeout_s)
    renewed = False
    while True:
        began = context.clock()
        failure: Problem | Unreachable
        try:
            shown = access.shown_to_read or not reads
            token = (yield from access.token()) if shown else None
            reply = yield from send(_with_token(request, token))
            if reply.status < 300:
                return reply
            failure = problem_of(reply)
            if not shown and failure.code in READ_NEEDS_TOKEN and access.has_tokens:
                access.shown_to_read = True
                continue
            if shown and not renewed and (yield from access.renew(token, failure)):
                renewed = True
                continue
        except NoAnswer as exc:
            failure = Unreachable(f"no answer ({exc.reason})")
            failure.__cause__ = exc.__cause__
        if isinstance(failure, Problem) and not is_transient(failure):
            raise failure
        budget.charge(context.clock() - began, REQUEST_TIMEOUT_S)
        least_s = failure.retry_after if isinstance(failure, Problem) else None
        delay_s = budget.next_delay_s(least_s)
        if delay_s is None:
            raise failure
        yield Sleep(delay_s)


def json_request(
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    query: Mapping[str, str | int | None] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Request:
    """A request whose body, if there is one, is JSON."""
    sent = {"accept": "application/json", **(headers or {})}
    if body is None:
        return Request(method, path, query or {}, sent, None, REQUEST_TIMEOUT_S)
    sent["content-type"] = "application/json"
    raw = json.dumps(body).encode()
    return Request(method, path, query or {}, sent, raw, REQUEST_TIMEOUT_S)


def body_of(reply: Reply) -> dict[str, Any]:
    """Its JSON object. Raises Problem if it is none: what answered was not our server."""
    try:
        return dict(parse_object(reply.body))
    except ValueError as exc:
        raise Problem(reply.status, "not_json", "The reply is not a JSON object") from exc


def problem_of(reply: Reply) -> Problem:
    """The refusal that a reply is."""
    try:
        data = parse_object(reply.body)
    except ValueError:
        data = {}
    detail, named = data.get("detail"), data.get("field")
    return Problem(
        reply.status,
        str(data.get("code", f"http_{reply.status}")),
        str(data.get("title", ""))[:_MAX_TITLE],
        detail=detail if isinstance(detail, str) else None,
        field=named if isinstance(named, str) else None,
        retry_after=_retry_after_s(reply),
    )


def _retry_after_s(reply: Reply) -> float | None:
    """In seconds; a date is not understood, as no part of ours sends one."""
    text = reply.headers.get("retry-after", "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _with_token(request: Request, token: str | None) -> Request:
    if token is None:
        return request
    return replace(request, headers={**request.headers, "authorization": f"Bearer {token}"})
