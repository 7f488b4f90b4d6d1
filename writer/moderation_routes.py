"""The public calls of moderators, and of authors who take back what they wrote. Thin, as
`writer.public_routes`.
"""

from __future__ import annotations

from aiohttp import web

from identity.caller import Caller
from identity.roles import Rank
from wire.entry import RemovedBy
from wire.errors import InvalidField, TokenMissing
from wire.moderation import parse_reason, parse_removal
from writer.moderator_calls import Desk, ModeratorCalls, entry_of, json_body, optional_body
from writer.redaction import Removal, Restoration
from writer.request_parts import COMMENT, JSON_HEADERS, VIDEO


def add_moderation_routes(app: web.Application, desk: Desk) -> None:
    """Serve the calls that remove and restore comments. They count as posts of their address."""
    routes = _ModerationRoutes(desk)
    app.router.add_delete(COMMENT, routes.delete_comment)
    app.router.add_post(f"{COMMENT}/restore", routes.restore_comment)
    app.router.add_post(f"{VIDEO}/removals", routes.remove_comments)


class _ModerationRoutes(ModeratorCalls):
    async def delete_comment(self, request: web.Request) -> web.Response:
        """DELETE .../comments/{seq}: by a moderator, or by who wrote it. 200 with the notice. A
        reason is public and decided by no rule, so only a moderator gives one.
        """
        caller = await self.identify(request)
        if caller.author_id is None:
            raise TokenMissing()
        reason = parse_reason(await optional_body(request))
        seq = int(request.match_info["seq"])
        if _moderates(caller, request):
            removal = Removal((seq,), RemovedBy.MODERATOR, reason)
        elif reason is None:
            removal = Removal((seq,), RemovedBy.AUTHOR, author_id=caller.author_id)
        else:
            raise InvalidField("reason", "only a moderator may give one")
        redacted = await self.redact(request, caller, removal)
        return web.Response(body=entry_of(redacted.notices), headers=JSON_HEADERS)

    async def remove_comments(self, request: web.Request) -> web.Response:
        """POST .../removals: up to 500 at once. 200 with all notices that name them."""
        caller = await self.require(request)
        seqs, reason = parse_removal(await json_body(request))
        removal = Removal(seqs, RemovedBy.MODERATOR, reason)
        redacted = await self.redact(request, caller, removal)
        notices = b",".join([raw for _, raw in redacted.notices])
        return web.Response(body=b'{"notices":[%s]}' % notices, headers=JSON_HEADERS)

    async def restore_comment(self, request: web.Request) -> web.Response:
        """POST .../comments/{seq}/restore: 200 with the comment."""
        caller = await self.require(request)
        restoration = Restoration(int(request.match_info["seq"]))
        redacted = await self.redact(request, caller, restoration)
        return web.Response(body=redacted.comment, headers=JSON_HEADERS)


def _moderates(caller: Caller, request: web.Request) -> bool:
    return caller.rank_in(request.match_info["video_id"]) >= Rank.MODERATOR
