"""The public calls that are about no video or about all: sanctions everywhere, erasures,
revocations. Thin, as `writer.public_routes`.
"""

from __future__ import annotations

import time

import msgspec
from aiohttp import web

from identity.caller import Caller
from identity.roles import Rank
from service.logs import current_request_id
from wire.errors import InvalidField, NotFound, TokenMissing
from wire.ids import is_author_id
from wire.json_text import parse_object
from writer.moderator_calls import Desk, ModeratorCalls, json_body, optional_body
from writer.request_parts import AUTHOR, JSON_HEADERS
from writer.rules import NewSanction, Ruled
from writer.rules_routes import found, list_sanctions, new_sanction, sanction_response

_MAX_TIME_S = 253_402_300_799  # the year 9999


def add_site_routes(app: web.Application, desk: Desk) -> None:
    """Serve the calls that are about no video or about all."""
    routes = _SiteRoutes(desk)
    app.router.add_get("/v1/sanctions", routes.list_sanctions)
    app.router.add_get(f"/v1/sanctions/{AUTHOR}", routes.get_sanction)
    app.router.add_put(f"/v1/sanctions/{AUTHOR}", routes.sanction)
    app.router.add_delete(f"/v1/sanctions/{AUTHOR}", routes.lift_sanction)
    app.router.add_post("/v1/erasures", routes.erase)
    app.router.add_get(f"/v1/erasures/{AUTHOR}", routes.get_erasure)
    app.router.add_post("/v1/revocations", routes.revoke)


class _AuthorOnly(msgspec.Struct):
    author_id: str


class _Revocation(msgspec.Struct):
    author_id: str
    not_before: int


class _SiteRoutes(ModeratorCalls):
    async def list_sanctions(self, request: web.Request) -> web.Response:
        """GET /v1/sanctions: those that count everywhere, by author id."""
        await self._require(request, Rank.ADMIN)
        return await list_sanctions(self._comments, request, "")

    async def get_sanction(self, request: web.Request) -> web.Response:
        """GET /v1/sanctions/{author_id}: 404 if there is none."""
        await self._require(request, Rank.ADMIN)
        _, said = await self._comments.rules("", request.match_info["author_id"])
        return sanction_response(found(said))

    async def sanction(self, request: web.Request) -> web.Response:
        """PUT /v1/sanctions/{author_id}: 200 with it; it counts within 5 s on every writer."""
        caller = await self._require(request, Rank.ADMIN)
        author_id = request.match_info["author_id"]
        new = new_sanction(author_id, caller, int(Rank.ADMIN), await optional_body(request))
        said = (await self._rule(request, caller, new)).sanction
        if new.purge:
            await self._moderation.site.purge_everywhere(
                author_id, new.reason, current_request_id()
            )
        return sanction_response(said)

    async def lift_sanction(self, request: web.Request) -> web.Response:
        """DELETE /v1/sanctions/{author_id}: 200, also if there was none."""
        caller = await self._require(request, Rank.ADMIN)
        lifted = NewSanction(
            request.match_info["author_id"], None, str(caller.author_id), int(Rank.ADMIN)
        )
        return sanction_response((await self._rule(request, caller, lifted)).sanction)

    async def erase(self, request: web.Request) -> web.Response:
        """POST /v1/erasures {author_id}: 202; by an admin, a service, or the author."""
        caller = await self.identify(request)
        if caller.anonymous:
            raise TokenMissing()
        author_id = _author_id(parse_object(await json_body(request), ("author_id",)))
        if author_id != caller.author_id:
            caller.require_everywhere(Rank.SERVICE)
        async with self.noted(request, caller, "erasure", _AuthorOnly(author_id)):
            await self._moderation.erasures.ask(author_id)
        return _erasure(author_id, done=False, status=202)

    async def get_erasure(self, request: web.Request) -> web.Response:
        """GET /v1/erasures/{author_id}: whether it is done; 404 if none was asked for."""
        caller = await self.identify(request)
        author_id = request.match_info["author_id"]
        if author_id != caller.author_id:
            caller.require_everywhere(Rank.SERVICE)
        erasure = await self._moderation.erasures.find(author_id)
        if erasure is None:
            raise NotFound("no such erasure")
        return _erasure(author_id, done=erasure.done)

    async def revoke(self, request: web.Request) -> web.Response:
        """POST /v1/revocations {author_id, not_before?}: 201; tokens and tickets issued before that
        second do not count within 5 s, on every process.
        """
        caller = await self._require(request, Rank.SERVICE)
        value = parse_object(await json_body(request), ("author_id", "not_before"))
        author_id, not_before = _author_id(value), value.get("not_before", int(time.time()) + 1)
        if type(not_before) is not int or not 0 <= not_before <= _MAX_TIME_S:
            raise InvalidField("not_before", "must be whole seconds since 1970")
        revocation = _Revocation(author_id, not_before)
        async with self.noted(request, caller, "revocation", revocation):
            await self._moderation.site.revoke(author_id, not_before)
        said = {"author_id": author_id, "not_before": not_before}
        return web.Response(status=201, body=msgspec.json.encode(said), headers=JSON_HEADERS)

    async def _require(self, request: web.Request, rank: Rank) -> Caller:
        caller = await self.identify(request)
        caller.require_everywhere(rank)
        return caller

    async def _rule(self, request: web.Request, caller: Caller, new: NewSanction) -> Ruled:
        async with self.noted(request, caller, "sanction", new):
            ruled = await self._comments.rule("", new, current_request_id())
        await self._moderation.site.refresh()  # here at once
        return ruled


def _author_id(value: dict[str, object]) -> str:
    author_id = value.get("author_id")
    if not isinstance(author_id, str) or not is_author_id(author_id):
        raise InvalidField("author_id", "must be the id of an author, as comments have it")
    return author_id


def _erasure(author_id: str, *, done: bool, status: int = 200) -> web.Response:
    body = msgspec.json.encode({"author_id": author_id, "done": done})
    return web.Response(status=status, body=body, headers=JSON_HEADERS)
