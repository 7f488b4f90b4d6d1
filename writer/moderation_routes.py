"""The public calls of moderators, and of authors who take back what they wrote. Thin, as
`writer.public_routes`.
"""

from __future__ import annotations

from aiohttp import web

from identity.authenticator import Authenticator
from identity.caller import Caller
from identity.roles import Rank
from service.edge import BODY_DEADLINE_S
from service.logs import current_request_id
from service.middleware import read_body
from wire.comment import MAX_BODY_BYTES
from wire.entry import RemovedBy
from wire.errors import LengthRequired, TokenMissing
from wire.moderation import parse_reason, parse_removal
from writer.comment_service import CommentService
from writer.gates import Gate
from writer.redaction import Redacted, Removal, Restoration
from writer.request_parts import COMMENT, JSON_HEADERS, VIDEO, check_media_type


def add_moderation_routes(
    app: web.Application, comments: CommentService, authenticator: Authenticator, gate: Gate
) -> None:
    """Serve the calls that remove and restore comments. They count as posts of their address."""
    routes = _ModerationRoutes(comments, authenticator, gate)
    app.router.add_delete(COMMENT, routes.delete_comment)
    app.router.add_post(f"{COMMENT}/restore", routes.restore_comment)
    app.router.add_post(f"{VIDEO}/removals", routes.remove_comments)


class _ModerationRoutes:
    def __init__(self, comments: CommentService, authenticator: Authenticator, gate: Gate) -> None:
        self._comments, self._authenticator, self._gate = comments, authenticator, gate

    async def delete_comment(self, request: web.Request) -> web.Response:
        """DELETE .../comments/{seq}: by a moderator, or by who wrote it. 200 with the notice."""
        caller = await self._identify(request)
        if caller.author_id is None:
            raise TokenMissing()
        reason = parse_reason(await _optional_body(request))
        seq, moderates = int(request.match_info["seq"]), _moderates(caller, request)
        removal = (
            Removal((seq,), RemovedBy.MODERATOR, reason)
            if moderates
            else Removal((seq,), RemovedBy.AUTHOR, reason, caller.author_id)
        )
        redacted = await self._redact(request, removal)
        # None is known only of a comment that was destroyed long ago: then there is nothing to say.
        body = redacted.notices[0][1] if redacted.notices else b"{}"
        return web.Response(body=body, headers=JSON_HEADERS)

    async def remove_comments(self, request: web.Request) -> web.Response:
        """POST .../removals: up to 500 at once. 200 with all notices that name them."""
        await self._require_moderator(request)
        check_media_type(request)
        body = await read_body(request, MAX_BODY_BYTES, BODY_DEADLINE_S)
        seqs, reason = parse_removal(body)
        redacted = await self._redact(request, Removal(seqs, RemovedBy.MODERATOR, reason))
        notices = b",".join([raw for _, raw in redacted.notices])
        return web.Response(body=b'{"notices":[%s]}' % notices, headers=JSON_HEADERS)

    async def restore_comment(self, request: web.Request) -> web.Response:
        """POST .../comments/{seq}/restore: 200 with the comment."""
        await self._require_moderator(request)
        redacted = await self._redact(request, Restoration(int(request.match_info["seq"])))
        return web.Response(body=redacted.comment, headers=JSON_HEADERS)

    async def _identify(self, request: web.Request) -> Caller:
        self._gate(request)
        return await self._authenticator.identify(request.headers)

    async def _require_moderator(self, request: web.Request) -> None:
        caller = await self._identify(request)
        caller.require(request.match_info["video_id"], Rank.MODERATOR)

    async def _redact(self, request: web.Request, redaction: Removal | Restoration) -> Redacted:
        return await self._comments.redact(
            request.match_info["video_id"], redaction, current_request_id()
        )


def _moderates(caller: Caller, request: web.Request) -> bool:
    return caller.rank_in(request.match_info["video_id"]) >= Rank.MODERATOR


async def _optional_body(request: web.Request) -> bytes:
    try:
        body = await read_body(request, MAX_BODY_BYTES, BODY_DEADLINE_S)
    except LengthRequired:
        return b""
    if body:
        check_media_type(request)
    return body
