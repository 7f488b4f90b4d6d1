"""What all calls of moderation have in common: who calls, and with what body."""

from __future__ import annotations

import re
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from identity.authenticator import Authenticator
from identity.caller import Caller
from identity.roles import Rank
from service.edge import BODY_DEADLINE_S
from service.logs import current_request_id
from service.middleware import read_body
from wire.comment import MAX_BODY_BYTES
from wire.errors import InvalidField, LengthRequired
from writer.comment_service import CommentService
from writer.gates import Gate
from writer.moderation import Moderation
from writer.redaction import Redacted, Redaction
from writer.request_parts import JSON_HEADERS, check_media_type
from writer.rules import RULING_NAMES, Ruled, Ruling

_ETAG = re.compile(r'"([0-9]{1,15})"', re.ASCII)


@dataclass(frozen=True, slots=True)
class Desk:
    """What calls of moderation need. gate: all of them count as posts of their address."""

    comments: CommentService
    moderation: Moderation
    authenticator: Authenticator
    gate: Gate


class ModeratorCalls:
    """Base of the routes of moderation."""

    def __init__(self, desk: Desk) -> None:
        self._comments, self._moderation = desk.comments, desk.moderation
        self._authenticator, self._gate = desk.authenticator, desk.gate

    async def identify(self, request: web.Request) -> Caller:
        """Who calls. Raises TooManyRequests, and what Authenticator.identify raises."""
        self._gate(request)
        return await self._authenticator.identify(request.headers)

    async def require(self, request: web.Request, rank: Rank = Rank.MODERATOR) -> Caller:
        """Who calls, at least a `rank` for the video in the path. Raises PermissionDenied."""
        caller = await self.identify(request)
        caller.require(request.match_info["video_id"], rank)
        return caller

    async def redact(self, request: web.Request, caller: Caller, redaction: Redaction) -> Redacted:
        """Of the video in the path. See CommentService.redact."""
        async with self.noted(request, caller, type(redaction).__name__.lower(), redaction):
            return await self._comments.redact(
                request.match_info["video_id"], redaction, current_request_id()
            )

    async def rule(self, request: web.Request, caller: Caller, ruling: Ruling) -> Ruled:
        """Of the video in the path. See CommentService.rule."""
        async with self.noted(request, caller, RULING_NAMES[type(ruling)], ruling):
            return await self._comments.rule(
                request.match_info["video_id"], ruling, current_request_id()
            )

    def noted(
        self, request: web.Request, caller: Caller, action: str, what: msgspec.Struct
    ) -> AbstractAsyncContextManager[None]:
        """A call that is kept for the audit, whatever becomes of it."""
        record = {
            "by": caller.author_id,
            "action": action,
            "request_id": current_request_id(),
            "what": told(what),
        }
        return self._moderation.noted(request.match_info.get("video_id", ""), record)


def told(what: msgspec.Struct) -> dict[str, Any]:
    """What a call asks for, as the audit shows it; no bodies of filters."""
    said: dict[str, Any] = msgspec.to_builtins(what)
    return {name: value for name, value in said.items() if name not in ("body", "by", "by_rank")}


async def json_body(request: web.Request, limit: int = MAX_BODY_BYTES) -> bytes:
    """A body that must be there. Raises NotJsonMediaType, LengthRequired, BodyTooLarge."""
    check_media_type(request)
    return await read_body(request, limit, BODY_DEADLINE_S)


async def optional_body(request: web.Request) -> bytes:
    """A body, b"" if there is none. Raises as `json_body`."""
    try:
        body = await read_body(request, MAX_BODY_BYTES, BODY_DEADLINE_S)
    except LengthRequired:
        return b""
    if body:
        check_media_type(request)
    return body


def if_match(request: web.Request) -> int | None:
    """The version that something must have before it is changed; None if any will do (RFC 9110,
    section 13.1.1). Raises InvalidField for what is no tag of ours.
    """
    values = request.headers.getall("If-Match", ())
    if not values or values == ["*"]:
        return None
    match = _ETAG.fullmatch(values[0].strip()) if len(values) == 1 else None
    if match is None:
        raise InvalidField("If-Match", 'must be one ETag as it was sent, such as "3", or *')
    return int(match[1])


def entry_of(notices: tuple[tuple[int, bytes], ...]) -> bytes:
    """The newest entry that says so; an empty object if none ever did, or it is not known."""
    return notices[0][1] if notices else b"{}"


def json_response(value: object, *, status: int = 200) -> web.Response:
    """A reply that says `value`."""
    return web.Response(status=status, body=msgspec.json.encode(value), headers=JSON_HEADERS)
