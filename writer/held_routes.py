"""The public calls about filters, held comments, the audit and the export of a video. Thin, as
`writer.public_routes`.
"""

from __future__ import annotations

import re
import time

import msgspec
from aiohttp import web

from identity.authenticator import Authenticator
from screening.filters import Filters
from screening.terms import MAX_FILTERS_BYTES, MAX_TRIED
from service.logs import current_request_id
from wire.comment import timestamp
from wire.errors import InvalidField
from wire.ids import event_id_text
from wire.json_text import parse_object, read_text
from writer.comment_service import CommentService
from writer.gates import Gate
from writer.held import HELD_FOR_MS, Held
from writer.moderation import Moderation, parse_decision
from writer.moderator_calls import ModeratorCalls, if_match, json_body
from writer.request_parts import JSON_HEADERS, MAX_LIMIT, VIDEO, page_limit, parameter
from writer.rules import NewFilters

_HELD = "{held_id:h_[0-9a-f]{32}}"
_CALL = re.compile(r"([0-9]{1,15})-([0-9]{1,10})", re.ASCII)
_NEWEST = (2**62, 0)


def add_held_routes(
    app: web.Application,
    comments: CommentService,
    moderation: Moderation,
    authenticator: Authenticator,
    gate: Gate,
) -> None:
    """Serve the calls about filters, held comments, the audit and the export."""
    routes = _HeldRoutes(comments, moderation, authenticator, gate)
    app.router.add_get(f"{VIDEO}/filters", routes.get_filters)
    app.router.add_put(f"{VIDEO}/filters", routes.put_filters)
    app.router.add_post(f"{VIDEO}/filters/test", routes.try_filters)
    app.router.add_get(f"{VIDEO}/held", routes.list_held)
    app.router.add_post(f"{VIDEO}/held/{_HELD}", routes.decide)
    app.router.add_get(f"{VIDEO}/audit", routes.get_audit)
    app.router.add_get(f"{VIDEO}/export", routes.export)


class _HeldRoutes(ModeratorCalls):
    async def get_filters(self, request: web.Request) -> web.Response:
        """GET .../filters: with an ETag."""
        await self.require(request)
        version, body = await self._comments.filters(request.match_info["video_id"])
        return _filters(version, body or b'{"terms":[]}')

    async def put_filters(self, request: web.Request) -> web.Response:
        """PUT .../filters: all of them; If-Match: only if nobody has changed them meanwhile."""
        caller = await self.require(request)
        body = Filters.parse(await json_body(request, MAX_FILTERS_BYTES)).encode()
        ruled = await self.rule(request, caller, NewFilters(body, if_match(request)))
        return _filters(ruled.rules.filters, body)

    async def try_filters(self, request: web.Request) -> web.Response:
        """POST .../filters/test {text}: what would become of it, and by which terms."""
        await self.require(request)
        said = parse_object(await json_body(request), ("text",))
        text = read_text(said, "text", MAX_TRIED)
        _, body = await self._comments.filters(request.match_info["video_id"])
        filters = Filters.parse(body or b'{"terms":[]}')
        action = filters.screen("", text)
        found = {"action": action and action.value, "terms": filters.find(text)}
        return _json(found)

    async def list_held(self, request: web.Request) -> web.Response:
        """GET .../held: those that wait, oldest first."""
        await self.require(request)
        since_ms = int(time.time() * 1000) - HELD_FOR_MS
        found = await self._moderation.list_held(
            request.match_info["video_id"], page_limit(request), since_ms
        )
        return _json({"held": list(map(_members, found))})

    async def decide(self, request: web.Request) -> web.Response:
        """POST .../held/{id} {decision}: 200 with the comment if it is approved, 409 if somebody
        else has decided.
        """
        caller = await self.require(request)
        said = parse_object(await json_body(request), ("decision",))
        state = parse_decision(said.get("decision"))
        video_id, held_id = request.match_info["video_id"], request.match_info["held_id"]
        decision = _Decision(held_id, state.value)
        async with self.noted(request, caller, "decision", decision):
            held, posted = await self._moderation.decide(
                video_id, held_id, state, str(caller.author_id), current_request_id()
            )
        answer: dict[str, object] = {"id": held.id, "state": held.state.value}
        if posted is not None:
            answer["comment"] = msgspec.Raw(posted.raw)
        return _json(answer)

    async def get_audit(self, request: web.Request) -> web.Response:
        """GET .../audit: calls of moderators, newest first; `before`: the last cursor seen."""
        await self.require(request)
        limit, before = page_limit(request), _call_place(parameter(request, "before"))
        calls = await self._moderation.calls(request.match_info["video_id"], limit + 1, before)
        shown, last = calls[:limit], calls[:limit][-1:]
        return _json(
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
        after = parameter(request, "after") or await self._beginning(video_id)
        page = await self._comments.entries(video_id, MAX_LIMIT, after=after)
        head = page.head
        response = web.StreamResponse(headers=_NDJSON)
        await response.prepare(request)
        while page.entries:
            await response.write(b"".join(raw + b"\n" for raw in page.entries))
            if not page.more or page.last.seq >= head.seq:
                break
            page = await self._comments.entries(video_id, MAX_LIMIT, after=str(page.last))
        await response.write_eof()
        return response

    async def _beginning(self, video_id: str) -> str:
        newest = await self._comments.entries(video_id, 1)
        return event_id_text(newest.head.epoch, 0)


class _Decision(msgspec.Struct):
    held_id: str
    decision: str


_NDJSON = {"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"}


def held_response(held: Held) -> web.Response:
    """202: the comment waits for a moderator."""
    body = {"held": held.id, "expires_at": timestamp((held.held_ms + HELD_FOR_MS) / 1000)}
    return web.Response(status=202, body=msgspec.json.encode(body), headers=JSON_HEADERS)


def _members(held: Held) -> dict[str, object]:
    shown: dict[str, object] = {
        "id": held.id,
        "author": held.author,
        "text": held.text,
        "held_at": timestamp(held.held_ms / 1000),
        "expires_at": timestamp((held.held_ms + HELD_FOR_MS) / 1000),
    }
    if held.author_id:
        shown["author_id"] = held.author_id
    if held.guest:
        shown["guest"] = True
    return shown


def _filters(version: int, body: bytes) -> web.Response:
    return web.Response(body=body, headers=JSON_HEADERS | {"ETag": f'"{version}"'})


def _call_place(text: str | None) -> tuple[int, int]:
    if text is None:
        return _NEWEST
    match = _CALL.fullmatch(text)
    if match is None:
        raise InvalidField("before", "is no cursor of an audit")
    return int(match[1]), int(match[2])


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), headers=JSON_HEADERS)
