"""The public calls about the rules of a video: settings, pin, sanctions, and what they mean for the
caller. Thin, as `writer.public_routes`.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec
from aiohttp import web

from identity.caller import Caller
from service.logs import current_request_id
from wire.errors import InvalidField, NotFound
from wire.ids import is_author_id
from wire.moderation import parse_pin, parse_sanction, parse_settings
from wire.rulings import until_text
from writer.comment_service import CommentService
from writer.gates import Gate
from writer.moderator_calls import (
    Desk,
    ModeratorCalls,
    entry_of,
    if_match,
    json_body,
    optional_body,
)
from writer.purge import remove_all_of
from writer.reading import Reading
from writer.request_parts import AUTHOR, JSON_HEADERS, VIDEO, page_limit, parameter
from writer.rules import NewPin, NewSanction, Ruled, Rules, Sanction, SettingsChange
from writer.standing import standing


def add_rules_routes(app: web.Application, desk: Desk, reads: Gate, reading: Reading) -> None:
    """Serve the calls about the rules of a video. reads: what asking for `me` counts as."""
    routes = _RulesRoutes(desk, reads, reading)
    app.router.add_get(f"{VIDEO}/settings", routes.get_settings)
    app.router.add_patch(f"{VIDEO}/settings", routes.change_settings)
    app.router.add_put(f"{VIDEO}/pin", routes.pin)
    app.router.add_delete(f"{VIDEO}/pin", routes.unpin)
    app.router.add_get(f"{VIDEO}/sanctions", routes.list_sanctions)
    app.router.add_get(f"{VIDEO}/sanctions/{AUTHOR}", routes.get_sanction)
    app.router.add_put(f"{VIDEO}/sanctions/{AUTHOR}", routes.sanction)
    app.router.add_delete(f"{VIDEO}/sanctions/{AUTHOR}", routes.lift_sanction)
    app.router.add_get(f"{VIDEO}/me", routes.get_me)


class _RulesRoutes(ModeratorCalls):
    def __init__(self, desk: Desk, reads: Gate, reading: Reading) -> None:
        super().__init__(desk)
        self._reads, self._reading = reads, reading

    async def get_settings(self, request: web.Request) -> web.Response:
        """GET .../settings: with an ETag."""
        await self._reading.check(request)
        rules, _ = await self._comments.rules(request.match_info["video_id"])
        return _settings(rules)

    async def change_settings(self, request: web.Request) -> web.Response:
        """PATCH .../settings: some of them; If-Match: only if nobody has changed them meanwhile."""
        caller = await self.require(request)
        version, changes = if_match(request), parse_settings(await json_body(request))
        ruled = await self.rule(request, caller, SettingsChange(changes, version))
        return _settings(ruled.rules)

    async def pin(self, request: web.Request) -> web.Response:
        """PUT .../pin: 200 with the entry."""
        caller = await self.require(request)
        pin = NewPin(parse_pin(await json_body(request)))
        return _entry(await self.rule(request, caller, pin))

    async def unpin(self, request: web.Request) -> web.Response:
        """DELETE .../pin: 200 with the entry, or {} if nothing was pinned ever."""
        caller = await self.require(request)
        return _entry(await self.rule(request, caller, NewPin(None)))

    async def list_sanctions(self, request: web.Request) -> web.Response:
        """GET .../sanctions: those that count, by author id."""
        await self.require(request)
        return await list_sanctions(self._comments, request, request.match_info["video_id"])

    async def get_sanction(self, request: web.Request) -> web.Response:
        """GET .../sanctions/{author_id}: 404 if there is none."""
        await self.require(request)
        match = request.match_info
        _, said = await self._comments.rules(match["video_id"], match["author_id"])
        return sanction_response(found(said))

    async def sanction(self, request: web.Request) -> web.Response:
        """PUT .../sanctions/{author_id}: 200 with it. `purge` removes what was written before."""
        caller = await self.require(request)
        video_id, author_id = request.match_info["video_id"], request.match_info["author_id"]
        new = new_sanction(
            author_id, caller, int(caller.rank_in(video_id)), await optional_body(request)
        )
        ruled = await self.rule(request, caller, new)
        if new.purge:
            await remove_all_of(
                self._comments, author_id, video_id, reason=new.reason,
                request_id=current_request_id(),
            )  # fmt: skip
        return sanction_response(ruled.sanction)

    async def lift_sanction(self, request: web.Request) -> web.Response:
        """DELETE .../sanctions/{author_id}: 200, also if there was none."""
        caller = await self.require(request)
        author_id = request.match_info["author_id"]
        rank = int(caller.rank_in(request.match_info["video_id"]))
        lifted = NewSanction(author_id, None, str(caller.author_id), rank)
        ruled = await self.rule(request, caller, lifted)
        return sanction_response(ruled.sanction)

    async def get_me(self, request: web.Request) -> web.Response:
        """GET .../me: who the caller is, and whether a comment would be taken now."""
        self._reads(request)
        caller = await self._authenticator.identify(request.headers)
        answer = await standing(
            self._comments,
            request.match_info["video_id"],
            caller,
            self._authenticator.anonymous,
            self._moderation.site.find(caller.author_id or ""),
        )
        return web.Response(body=msgspec.json.encode(answer), headers=JSON_HEADERS)


def new_sanction(author_id: str, caller: Caller, rank: int, body: bytes) -> NewSanction:
    """What a body asks for. Raises NotJson, InvalidField."""
    said = parse_sanction(body, int(time.time() * 1000))
    by = str(caller.author_id)
    return NewSanction(author_id, said.until_ms, by, rank, said.purge, said.reason)


async def list_sanctions(
    comments: CommentService, request: web.Request, video_id: str
) -> web.Response:
    """A page of those that count; `after`: the last author id of the page before. Raises
    InvalidField.
    """
    limit, after = page_limit(request), parameter(request, "after")
    if after is None:
        after = ""
    elif not is_author_id(after):
        raise InvalidField("after", "must be the id of an author, as comments have it")
    some = await comments.sanctions(video_id, limit + 1, after)
    page = {"sanctions": [_members(one) for one in some[:limit]], "more": len(some) > limit}
    return web.Response(body=msgspec.json.encode(page), headers=JSON_HEADERS)


def found(said: Sanction | None) -> Sanction:
    """Raises NotFound if there is none, or it was lifted."""
    if said is None or said.until_ms is None:
        raise NotFound("no such sanction")
    return said


def sanction_response(said: Sanction | None) -> web.Response:
    """200 with it; {} if there never was one."""
    body = msgspec.json.encode({} if said is None else _members(said))
    return web.Response(body=body, headers=JSON_HEADERS)


def _members(said: Sanction) -> dict[str, Any]:
    members: dict[str, Any] = {
        "author_id": said.author_id,
        "until": until_text(said.until_ms),
        "purge": said.purge,
        "by": said.by,
        "at": said.at,
    }
    if said.reason is not None:
        members["reason"] = said.reason
    return members


def _settings(rules: Rules) -> web.Response:
    headers = JSON_HEADERS | {"ETag": f'"{rules.version}"'}
    return web.Response(body=msgspec.json.encode(rules.settings), headers=headers)


def _entry(ruled: Ruled) -> web.Response:
    return web.Response(body=entry_of(ruled.notices), headers=JSON_HEADERS)
