"""The internal edge: nodes read heads and ranges. Comments pass as the bytes that were stored."""

from __future__ import annotations

import time

import msgspec
from aiohttp import web

from identity.revocations import Revocations
from service.http_server import new_application
from service.middleware import problems, read_body, require_role
from wire.counts import (
    COUNTS,
    MAX_COUNTS_BYTES,
    CountsReply,
    CountsReport,
    check_report,
)
from wire.errors import BadRequest, NotFound, StoreUnavailable
from wire.ids import is_video_id
from wire.internal import (
    HEADS,
    MAX_HEADS,
    RANGE,
    REVOCATIONS,
    CountsAnswer,
    HeadsRequest,
    RevocationsReply,
    decode,
    encode,
)
from wire.roles import Role
from writer.comment_service import CommentService
from writer.viewer_totals import ViewerTotals

# MAX_HEADS ids of 64 characters, twice, and as many numbers; and a report of viewers.
MAX_HEADS_BYTES = 256 * 1024 + MAX_COUNTS_BYTES
READ_METHODS = ("GET", "POST")  # all that is served here
_MAX_SEQ_DIGITS = 15


def internal_application(
    comments: CommentService, revocations: Revocations, viewers: ViewerTotals | None = None
) -> web.Application:
    """An application for the internal listener; only nodes may call it. viewers: what they report
    of them; None: nobody counts.
    """
    app = new_application(problems)
    routes = _InternalRoutes(comments, revocations, viewers)
    app.router.add_get(REVOCATIONS, routes.revocations, allow_head=False)
    app.router.add_post(HEADS, routes.heads)
    app.router.add_post(COUNTS, routes.counts)
    app.router.add_get(RANGE, routes.range, allow_head=False)
    return app


class _InternalRoutes:
    def __init__(
        self, comments: CommentService, revocations: Revocations, viewers: ViewerTotals | None
    ) -> None:
        self._comments, self._revocations, self._viewers = comments, revocations, viewers
        self._check_role = require_role(Role.NODE)

    async def heads(self, request: web.Request) -> web.Response:
        """POST /internal/heads."""
        node_id = self._check_role(request)
        asked = decode(await read_body(request, MAX_HEADS_BYTES), HeadsRequest)
        if len(asked.videos) > MAX_HEADS or not all(map(is_video_id, asked.videos)):
            raise BadRequest(f"at most {MAX_HEADS} video ids, each valid")
        if not set(asked.states) <= set(asked.videos):
            raise BadRequest("states are asked for of other videos")
        counts = self._count(node_id, asked.counts) if asked.counts is not None else None
        reply = await self._comments.heads(asked.videos, asked.known, asked.states)
        return _json(msgspec.structs.replace(reply, counts=counts) if counts else reply)

    async def counts(self, request: web.Request) -> web.Response:
        """POST /internal/counts: a report of viewers that goes alone. It asks nothing of the store,
        which may be away.
        """
        node_id = self._check_role(request)
        report = decode(await read_body(request, MAX_COUNTS_BYTES), CountsReport)
        return _json(CountsAnswer(self._count(node_id, report)))

    async def revocations(self, request: web.Request) -> web.Response:
        """GET /internal/revocations: as this writer knows them, some seconds old at most. Raises
        StoreUnavailable until they were read once: whoever asks may know more.
        """
        self._check_role(request)
        revocations = self._revocations
        if not revocations.known:
            raise StoreUnavailable("revocations have not been read yet")
        return _json(RevocationsReply(revocations.version, dict(revocations.not_before)))

    async def range(self, request: web.Request) -> web.Response:
        """GET /internal/videos/{id}/range?after&through."""
        self._check_role(request)
        video_id = request.match_info["video_id"]
        if not is_video_id(video_id):
            raise NotFound()
        after, through = _number(request, "after"), _number(request, "through")
        if through < after:
            raise BadRequest("`through` is less than `after`")
        return _json(await self._comments.range(video_id, after, through))

    def _count(self, node_id: str, report: CountsReport) -> CountsReply | None:
        check_report(report)
        if self._viewers is None:
            return None
        return self._viewers.take(node_id, report, time.monotonic())


def _number(request: web.Request, name: str) -> int:
    text = request.query.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_SEQ_DIGITS):
        raise BadRequest(f"{name} must be a sequence number")
    return int(text)


def _json(message: msgspec.Struct) -> web.Response:
    return web.Response(body=encode(message), content_type="application/json")
