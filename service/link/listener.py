"""The callee's end of all links to a process: who may open one, and how many.

A link is opened with GET as a WebSocket (RFC 6455) on the internal listener, whose TLS has proven
who calls. A caller has MAX_PER_CALLER connections at most; one more ends its oldest.
"""

from __future__ import annotations

import asyncio

import structlog
from aiohttp import web

from service.link.incoming import Incoming, Take
from service.link.limits import CLOSE_WITHIN_S, MAX_PER_CALLER, LinkLimits
from service.link.socket import LinkSocket
from service.middleware import require_role
from service.pulse import Pulse
from wire.internal import MAX_INTERNAL_BYTES
from wire.roles import Role

log = structlog.get_logger()


class LinkListener:
    """Owns all connections until `close`. `taking` handles what comes, see Incoming."""

    def __init__(self, caller: Role, limits: LinkLimits, pulse: Pulse, take: Take) -> None:
        self._check_caller = require_role(caller)
        self._limits, self._pulse, self._take = limits, pulse, take
        self._open: dict[str, list[Incoming]] = {}
        self._closed = False
        self.replaced = 0

    @property
    def connections(self) -> int:
        """How many are open."""
        return sum(map(len, self._open.values()))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Handle a request that opens a link; returns when it has ended. Raises Forbidden."""
        caller_id = self._check_caller(request)
        socket = web.WebSocketResponse(
            timeout=CLOSE_WITHIN_S, compress=False, max_msg_size=MAX_INTERNAL_BYTES + 1
        )
        await socket.prepare(request)
        incoming = Incoming(LinkSocket(socket), self._limits, self._take)
        self._admit(caller_id, incoming)
        try:
            reason = await incoming.run()
            log.info("link_ended", caller=caller_id, reason=reason)
        finally:
            self._forget(caller_id, incoming)
        return socket

    async def close(self) -> None:
        """Acknowledge what was taken, end all. Idempotent."""
        self._closed = True
        open_now = [incoming for each in self._open.values() for incoming in each]
        await asyncio.gather(*(incoming.leave() for incoming in open_now))

    def _admit(self, caller_id: str, incoming: Incoming) -> None:
        log.info("link_opened", caller=caller_id)
        connections = self._open.setdefault(caller_id, [])
        connections.append(incoming)
        self._pulse.add(incoming.tick)
        if len(connections) > MAX_PER_CALLER:
            self.replaced += 1
            connections[0].end("replaced")
        if self._closed:
            incoming.end("leaving")

    def _forget(self, caller_id: str, incoming: Incoming) -> None:
        self._pulse.discard(incoming.tick)
        connections = self._open[caller_id]
        connections.remove(incoming)
        if not connections:
            del self._open[caller_id]
