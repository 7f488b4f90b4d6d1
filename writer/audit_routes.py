"""The public calls that tell what has happened to a video: its audit, and its log as a file. Thin,
as `writer.public_routes`.
"""

from __future__ import annotations

import re

import msgspec
from aiohttp import hdrs, web

from identity.roles import Rank
from wire.errors import InvalidField
from wire.ids import event_id_text
from writer.moderator_calls import Desk, ModeratorCalls, json_response
from writer.request_parts import MAX_LIMIT, VIDEO, page_limit, parameter

_CALL = re.compile(r"([0-9]{1,15})-([0-9]{1,10})", re.ASCII)
_NEWEST = (2**62, 0)
_NDJSON = {"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"}


def add_audit_routes(app: web.Application, desk: Desk) -> None:
    """Serve the audit and the export. They count as posts of their address."""
    routes = _AuditRoutes(desk)
    app.router.add_get(f"{VIDEO}/audit", routes.get_audit)
    app.router.add_get("/v1/audit", routes.get_site_audit)
    app.router.add_get(f"{VIDEO}/export", routes.export)


class _AuditRoutes(ModeratorCalls):
    async def get_audit(self, request: web.Request) -> web.Response:
        """GET .../audit: calls of moderators, newest first; `before`: the last cursor seen."""
        await self.require(request)
        return await self._calls(request, request.match_info["video_id"])

    async def get_site_audit(self, request: web.Request) -> web.Response:
        """GET /v1/audit: the same, of calls that are about no video or about all."""
        caller = await self.identify(request)
        caller.require_everywhere(Rank.ADMIN)
        return await self._calls(request, "")

    async def _calls(self, request: web.Request, video_id: str) -> web.Response:
        limit, before = page_limit(request), _call_place(parameter(request, "before"))
        calls = await self._moderation.calls(video_id, limit + 1, before)
        shown, last = calls[:limit], calls[:limit][-1:]
        return json_response(
            {
                "calls": [msgspec.Raw(call.body) for call in shown],
                "before": f"{last[0].at_ms}-{last[0].nonce}" if last else None,
                "more": len(calls) > limit,
            }
        )

    async def export(self, request: web.Request) -> web.StreamResponse:
        """GET .../export: the whole log, one entry a line, up to what was the head when it began;
        `after`: an event id to go on from. If the store fails meanwhile the reply breaks off.
        """
        await self.require(request)
        video_id = request.match_info["video_id"]
        after = parameter(request, "after")
        if after is None:
            after = await self._beginning(video_id)
        page = await self._comments.entries(video_id, MAX_LIMIT, after=after)
        head = page.head
        response = web.StreamResponse(headers=_NDJSON)
        await response.prepare(request)
        # aiohttp would send a body in reply to HEAD too, and on a kept connection.
        while page.entries and request.method != hdrs.METH_HEAD:
            await response.write(b"".join(raw + b"\n" for raw in page.entries))
            if not page.more or page.last.seq >= head.seq:
                break
            page = await self._comments.entries(video_id, MAX_LIMIT, after=str(page.last))
        await response.write_eof()
        return response

    async def _beginning(self, video_id: str) -> str:
        newest = await self._comments.entries(video_id, 1)
        return event_id_text(newest.head.epoch, 0)


def _call_place(text: str | None) -> tuple[int, int]:
    if text is None:
        return _NEWEST
    match = _CALL.fullmatch(text)
    if match is None:
        raise InvalidField("before", "is no cursor of an audit")
    return int(match[1]), int(match[2])
