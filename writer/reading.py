"""Who may read at the public edge, and the tickets that streams are opened with."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from identity.authenticator import Authenticator
from identity.readers import PARAMETER, Readers
from wire.comment import timestamp
from writer.gates import Gate
from writer.request_parts import VIDEO

_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store"}


def add_ticket_route(app: web.Application, reading: Reading) -> None:
    """Serve the call that gives tickets out."""
    app.router.add_post(f"{VIDEO}/tickets", reading.post_ticket)


class Reading:
    """Of all requests for what is stored, each of which passes the gate first."""

    def __init__(self, authenticator: Authenticator, readers: Readers, gate: Gate) -> None:
        self._authenticator, self._readers, self._gate = authenticator, readers, gate

    async def check(self, request: web.Request) -> None:
        """Let a reader in. A ticket or token that is sent is checked, also where none is needed.

        Raises TooManyRequests, TokenMissing and what else is wrong with either.
        """
        self._gate(request)
        video_id = request.match_info["video_id"]
        ticket = self._readers.check_read(request.query.getall(PARAMETER, ()), video_id)
        caller = await self._authenticator.identify(request.headers)
        if self._readers.required and ticket is None:
            caller.require_reader(video_id)

    async def post_ticket(self, request: web.Request) -> web.Response:
        """POST .../tickets: 200 with a ticket for this video."""
        self._gate(request)
        video_id = request.match_info["video_id"]
        caller = await self._authenticator.identify(request.headers)
        caller.require_reader(video_id)
        assert caller.author_id is not None  # of a caller with a token, who was required
        ticket, expires_at = self._readers.issue(video_id, caller.author_id, caller.issued_at)
        body: dict[str, Any] = {"ticket": ticket, "expires_at": timestamp(expires_at)}
        return web.Response(body=msgspec.json.encode(body), headers=_HEADERS)
