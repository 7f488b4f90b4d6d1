"""The internal edge: nodes read heads and ranges. Comments pass as the bytes that were stored."""

from __future__ import annotations

import msgspec
from aiohttp import web

from identity.revocations import Revocations
from service.http_server import new_application
from service.middleware import problems, read_body, require_role
from wire.errors import BadRequest, NotFound
from wire.ids import is_video_id
from wire.internal import (
    HEADS,
    MAX_HEADS,
    RANGE,
    REVOCATIONS,
    HeadsRequest,
    RevocationsReply,
    decode,
    encode,
)
from wire.roles import Role
from writer.comment_service import CommentService

MAX_HEADS_BYTES = 256 * 1024  # MAX_HEADS ids of 64 characters, twice, and as many numbers
READ_METHODS = ("GET", "POST")  # all that is served here
_MAX_SEQ_DIGITS = 15


def internal_application(comments: CommentService, revocations: Revocations) -> web.Application:
    """An application for the internal listener; only nodes may call it."""
    app = new_application(problems)
    routes = _InternalRoutes(comments, revocations)
    app.router.add_get(REVOCATIONS, routes.revocations, allow_head=False)
    app.router.add_post(HEADS, routes.heads)
    app.router.add_get(RANGE, routes.range, allow_head=False)
    return app


class _InternalRoutes:
    def __init__(self, comments: CommentService, revocations: Revocations) -> None:
        self._comments, self._revocations = comments, revocations
        self._check_role = require_role(Role.NODE)

    async def heads(self, request: web.Request) -> web.Response:
        """POST /internal/heads."""
        self._check_role(request)
        asked = decode(await read_body(request, MAX_HEADS_BYTES), HeadsRequest)
        if len(asked.videos) > MAX_HEADS or not all(map(is_video_id, asked.videos)):
            raise BadRequest(f"at most {MAX_HEADS} video ids, each valid")
        if not set(asked.states) <= set(asked.videos):
            raise BadRequest("states are asked for of other videos")
        return _json(await self._comments.heads(asked.videos, asked.known, asked.states))

    async def revocations(self, request: web.Request) -> web.Response:
        """GET /internal/revocations: as this writer knows them, some seconds old at most."""
        self._check_role(request)
        revocations = self._revocations
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


def _number(request: web.Request, name: str) -> int:
    text = request.query.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_SEQ_DIGITS):
        raise BadRequest(f"{name} must be a sequence number")
    return int(text)


def _json(message: msgspec.Struct) -> web.Response:
    return web.Response(body=encode(message), content_type="application/json")
