"""The public HTTP edge: `/v1` for comments, and `/openapi.json`. Thin: it reads requests, asks the
CommentService, writes replies. Errors are raised, the middleware makes problem documents of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from identity.authenticator import Authenticator
from identity.readers import Readers
from service.edge import BODY_DEADLINE_S, PublicEdge
from service.logs import current_request_id
from service.middleware import read_body
from service.public_http import new_public_application
from wire.comment import MAX_BODY_BYTES
from wire.errors import CommentRemoved, InvalidField, KeyReused
from writer.audit_routes import add_audit_routes
from writer.authorship import check_may_post, read_post
from writer.comment_service import CommentService, History
from writer.filters_routes import add_filters_routes
from writer.gates import Gates
from writer.held import Held
from writer.held_routes import add_held_routes, held_response
from writer.metrics import WriterMetrics
from writer.moderation import Moderation
from writer.moderation_routes import add_moderation_routes
from writer.moderator_calls import Desk
from writer.openapi.document import openapi_document
from writer.rate_limit import Rates
from writer.reading import Reading, add_ticket_route
from writer.request_parts import (
    COMMENT,
    JSON_HEADERS,
    VIDEO,
    check_media_type,
    idempotency_key,
    page_limit,
    parameter,
)
from writer.rules_routes import add_rules_routes
from writer.site_routes import add_site_routes
from writer.store import Outcome
from writer.viewer_totals import ViewerTotals
from writer.viewers_routes import add_viewers_route


def public_application(
    comments: CommentService,
    moderation: Moderation,
    metrics: WriterMetrics,
    edge: PublicEdge,
    *,
    authenticator: Authenticator | None = None,
    readers: Readers | None = None,
    rates: Rates | None = None,
    viewers: ViewerTotals | None = None,
    closing: Callable[[], bool] = lambda: False,
) -> web.Application:
    """An application that serves the public routes. No `authenticator`: there are no keys, and
    anybody posts. No `readers`: anybody reads. No `viewers`: nobody counts them.
    While `closing()` is true each reply asks the client to close its connection.
    """
    app = new_public_application(edge, closing, metrics.count_refused)
    authenticator = authenticator or Authenticator()
    gates = Gates.of(rates or Rates(), metrics, edge)
    reading = Reading(authenticator, readers or Readers(), gates.reads)
    _add_public_routes(app, _PublicRoutes(comments, moderation, authenticator, gates, reading))
    add_ticket_route(app, reading)
    if viewers is not None:
        add_viewers_route(app, reading, viewers)
    desk = Desk(comments, moderation, authenticator, gates.posts)
    add_rules_routes(app, desk, gates.reads, reading)
    for add_routes in (
        *(add_moderation_routes, add_filters_routes, add_held_routes),
        *(add_audit_routes, add_site_routes),
    ):
        add_routes(app, desk)
    return app


def _add_public_routes(app: web.Application, routes: _PublicRoutes) -> None:
    app.router.add_post(f"{VIDEO}/comments", routes.post_comment)
    app.router.add_get(f"{VIDEO}/comments", routes.get_history)
    app.router.add_get(f"{VIDEO}/entries", routes.get_entries)
    app.router.add_get(COMMENT, routes.get_comment)
    app.router.add_get("/openapi.json", routes.get_openapi)


class _PublicRoutes:
    def __init__(
        self,
        comments: CommentService,
        moderation: Moderation,
        authenticator: Authenticator,
        gates: Gates,
        reading: Reading,
    ) -> None:
        self._comments, self._moderation = comments, moderation
        self._authenticator = authenticator
        self._post_gate, self._reading = gates.posts, reading

    async def post_comment(self, request: web.Request) -> web.Response:
        """POST .../comments: 201, 200 for a key that was used before, 202 if it is held."""
        self._post_gate(request)
        check_media_type(request)
        key = idempotency_key(request)
        video_id, anonymous = request.match_info["video_id"], self._authenticator.anonymous
        caller = await self._authenticator.identify(request.headers)
        check_may_post(caller, anonymous)
        body = await read_body(request, MAX_BODY_BYTES, BODY_DEADLINE_S)
        comment = read_post(body, caller, video_id, anonymous)
        result = await self._moderation.post(video_id, comment, key, current_request_id())
        if isinstance(result, Held):
            return held_response(result)
        if result.refusal is not None:
            raise result.refusal.error()
        if result.outcome is Outcome.CONFLICT:
            raise KeyReused()
        if result.outcome is Outcome.REMOVED:
            raise CommentRemoved()
        if result.outcome is Outcome.REPLAYED:
            return web.Response(
                body=result.raw, headers=JSON_HEADERS | {"Idempotency-Replayed": "true"}
            )
        location = f"/v1/videos/{video_id}/comments/{result.seq}"
        return web.Response(
            status=201, body=result.raw, headers=JSON_HEADERS | {"Location": location}
        )

    async def get_history(self, request: web.Request) -> web.Response:
        """GET .../comments: a page of what may be shown, oldest first, and the head."""
        return await self._page(request, self._comments.history, b"comments")

    async def get_entries(self, request: web.Request) -> web.Response:
        """GET .../entries: a page of the log itself."""
        return await self._page(request, self._comments.entries, b"entries")

    async def get_comment(self, request: web.Request) -> web.Response:
        """GET .../comments/{seq}: one comment, 404, or 410 if it was removed."""
        await self._reading.check(request)
        match = request.match_info
        raw = await self._comments.comment(match["video_id"], int(match["seq"]))
        return web.Response(body=raw, headers=JSON_HEADERS)

    async def get_openapi(self, _request: web.Request) -> web.Response:
        """GET /openapi.json."""
        return web.Response(body=openapi_document(), headers=JSON_HEADERS)

    async def _page(
        self, request: web.Request, read: Callable[..., Awaitable[History]], name: bytes
    ) -> web.Response:
        await self._reading.check(request)
        after, before = parameter(request, "after"), parameter(request, "before")
        if after is not None and before is not None:
            raise InvalidField("before", "cannot be given together with after")
        page = await read(
            request.match_info["video_id"], page_limit(request), after=after, before=before
        )
        body = b'{"%s":[%s],"head":"%s","first":"%s","last":"%s","more":%s}' % (
            name,
            b",".join(page.entries),
            *(str(event_id).encode() for event_id in (page.head, page.first, page.last)),
            b"true" if page.more else b"false",
        )
        return web.Response(body=body, headers=JSON_HEADERS)
