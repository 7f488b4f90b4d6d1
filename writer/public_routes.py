"""The public HTTP edge: `/v1` for comments, and `/openapi.json`. Thin: it reads requests, asks the
CommentService, writes replies. Errors are raised, the middleware makes problem documents of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from aiohttp import web
from prometheus_client import Counter

from identity.authenticator import Authenticator
from service.edge import BODY_DEADLINE_S, PublicEdge
from service.logs import current_request_id
from service.middleware import read_body
from service.public_http import client_address, new_public_application
from wire.comment import MAX_BODY_BYTES, check_idempotency_key
from wire.errors import InvalidField, KeyReused, NotFound, NotJsonMediaType, TooManyRequests
from writer.authorship import check_may_post, read_post
from writer.comment_service import CommentService
from writer.metrics import WriterMetrics
from writer.openapi.document import openapi_document
from writer.rate_limit import RateLimit, Rates
from writer.store import Outcome

MAX_LIMIT, DEFAULT_LIMIT = 200, 50
_VIDEO = "/v1/videos/{video_id:[A-Za-z0-9_-]{1,64}}"
_LIMIT = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
_JSON = {"Content-Type": "application/json", "Cache-Control": "no-cache"}


def public_application(
    comments: CommentService,
    metrics: WriterMetrics,
    edge: PublicEdge,
    *,
    authenticator: Authenticator | None = None,
    rates: Rates | None = None,
    closing: Callable[[], bool] = lambda: False,
) -> web.Application:
    """An application that serves the public routes. No `authenticator`: there are no keys, and
    anybody posts. While `closing()` is true each reply asks the
    client to close its connection.
    """
    app = new_public_application(edge, closing, metrics.count_refused)
    routes = _PublicRoutes(
        comments, metrics, edge, rates or Rates(), authenticator or Authenticator()
    )
    _add_public_routes(app, routes)
    return app


def _add_public_routes(app: web.Application, routes: _PublicRoutes) -> None:
    app.router.add_post(f"{_VIDEO}/comments", routes.post_comment)
    app.router.add_get(f"{_VIDEO}/comments", routes.get_history)
    app.router.add_get(f"{_VIDEO}/comments/{{seq:[1-9][0-9]{{0,14}}}}", routes.get_comment)
    app.router.add_get("/openapi.json", routes.get_openapi)


class _PublicRoutes:
    def __init__(
        self,
        comments: CommentService,
        metrics: WriterMetrics,
        edge: PublicEdge,
        rates: Rates,
        authenticator: Authenticator,
    ) -> None:
        self._comments, self._edge = comments, edge
        self._authenticator = authenticator
        self._posts, self._gets = RateLimit(rates.posts), RateLimit(rates.gets)
        self._refused_post = metrics.refused.labels("rate")
        self._refused_get = metrics.reads_refused.labels("history", "rate")

    async def post_comment(self, request: web.Request) -> web.Response:
        """POST .../comments: 201, or 200 for a key that was used before."""
        self._check_rate(request, self._posts, self._refused_post)
        _check_media_type(request)
        key = _idempotency_key(request)
        video_id, anonymous = request.match_info["video_id"], self._authenticator.anonymous
        caller = await self._authenticator.identify(request.headers)
        check_may_post(caller, anonymous)
        body = await read_body(request, MAX_BODY_BYTES, BODY_DEADLINE_S)
        comment = read_post(body, caller, video_id, anonymous)
        result = await self._comments.post(video_id, comment, key, current_request_id())
        if result.outcome is Outcome.CONFLICT:
            raise KeyReused()
        if result.outcome is Outcome.REPLAYED:
            return web.Response(body=result.raw, headers=_JSON | {"Idempotency-Replayed": "true"})
        location = f"/v1/videos/{video_id}/comments/{result.seq}"
        return web.Response(status=201, body=result.raw, headers=_JSON | {"Location": location})

    async def get_history(self, request: web.Request) -> web.Response:
        """GET .../comments: a page, oldest first, and the head."""
        self._check_rate(request, self._gets, self._refused_get)
        after, before = _parameter(request, "after"), _parameter(request, "before")
        if after is not None and before is not None:
            raise InvalidField("before", "cannot be given together with after")
        history = await self._comments.history(
            request.match_info["video_id"], _limit(request), after=after, before=before
        )
        joined = b",".join(history.comments)
        body = b'{"comments":[%s],"head":"%s"}' % (joined, str(history.head).encode())
        return web.Response(body=body, headers=_JSON)

    async def get_comment(self, request: web.Request) -> web.Response:
        """GET .../comments/{seq}: one comment or 404."""
        self._check_rate(request, self._gets, self._refused_get)
        match = request.match_info
        raw = await self._comments.comment(match["video_id"], int(match["seq"]))
        if raw is None:
            raise NotFound("no such comment")
        return web.Response(body=raw, headers=_JSON)

    async def get_openapi(self, _request: web.Request) -> web.Response:
        """GET /openapi.json."""
        return web.Response(body=openapi_document(), headers=_JSON)

    def _check_rate(self, request: web.Request, rate: RateLimit, refused: Counter) -> None:
        try:
            rate.take(client_address(request, self._edge))
        except TooManyRequests:
            refused.inc()
            raise


def _check_media_type(request: web.Request) -> None:
    charset = request.charset
    plain = request.headers.get("Content-Encoding", "identity").lower() == "identity"
    if request.content_type != "application/json" or not plain:
        raise NotJsonMediaType()
    if charset is not None and charset.lower() not in ("utf-8", "utf8"):
        raise NotJsonMediaType("the charset must be utf-8")


def _idempotency_key(request: web.Request) -> str | None:
    keys = request.headers.getall("Idempotency-Key", ())
    if len(keys) > 1:
        raise InvalidField("Idempotency-Key", "is given twice")
    return check_idempotency_key(keys[0]) if keys else None


def _parameter(request: web.Request, name: str) -> str | None:
    values = request.query.getall(name, ())
    if len(values) > 1:
        raise InvalidField(name, "is given twice")
    return values[0] if values else None


def _limit(request: web.Request) -> int:
    text = _parameter(request, "limit")
    if text is None:
        return DEFAULT_LIMIT
    if not _LIMIT.fullmatch(text) or int(text) > MAX_LIMIT:
        raise InvalidField("limit", f"must be a whole number from 1 to {MAX_LIMIT}")
    return int(text)
