"""The public calls about held comments. Thin, as `writer.public_routes`."""

from __future__ import annotations

import time

import msgspec
from aiohttp import web

from service.logs import current_request_id
from wire.comment import timestamp
from wire.json_text import parse_object
from writer.held import HELD_FOR_MS, Held
from writer.moderation import parse_decision
from writer.moderator_calls import Desk, ModeratorCalls, json_body, json_response
from writer.request_parts import VIDEO, page_limit

_HELD = "{held_id:h_[0-9a-f]{32}}"


def add_held_routes(app: web.Application, desk: Desk) -> None:
    """Serve the calls about held comments. They count as posts of their address."""
    routes = _HeldRoutes(desk)
    app.router.add_get(f"{VIDEO}/held", routes.list_held)
    app.router.add_post(f"{VIDEO}/held/{_HELD}", routes.decide)


class _HeldRoutes(ModeratorCalls):
    async def list_held(self, request: web.Request) -> web.Response:
        """GET .../held: those that wait, oldest first."""
        await self.require(request)
        since_ms = int(time.time() * 1000) - HELD_FOR_MS
        found = await self._moderation.list_held(
            request.match_info["video_id"], page_limit(request), since_ms
        )
        return json_response({"held": list(map(_members, found))})

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
        if posted is not None and posted.raw:  # else it was removed since
            answer["comment"] = msgspec.Raw(posted.raw)
        return json_response(answer)


class _Decision(msgspec.Struct):
    held_id: str
    decision: str


def held_response(held: Held) -> web.Response:
    """202: the comment waits for a moderator."""
    body = {"held": held.id, "expires_at": timestamp((held.held_ms + HELD_FOR_MS) / 1000)}
    return json_response(body, status=202)


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
