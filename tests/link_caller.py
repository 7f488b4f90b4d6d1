"""The caller's end of a link, by hand: one frame at a time, each acknowledged before the next. It
says meanwhile that it lives.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from service.http_client import InternalClient
from service.link.limits import PING_EVERY_S
from wire.errors import PeerError
from wire.internal import decode
from wire.link import PING, Ack
from wire.roles import Peer

_WITHIN_S = 20.0


class LinkCaller:
    """One connection, opened by the first call."""

    def __init__(self, client: InternalClient, path: str) -> None:
        self._client, self._path = client, path
        self._sent = 0
        self._pinging: asyncio.Task[None] | None = None

    async def open(self, peer: Peer) -> None:
        """Raises PeerError if the peer refuses."""
        self.socket = await self._client.open_link(peer, self._path)
        self._sent = 0
        await self.socket.receive()  # it shows that it serves
        self._pinging = asyncio.create_task(self._ping())

    async def hand_over(self, frame: bytes) -> Ack:
        """Send one frame: the acknowledgement that covers it. Raises PeerError if there is none."""
        await self.socket.send(frame)
        self._sent += 1
        async with asyncio.timeout(_WITHIN_S):
            while True:
                ack = decode(await self.socket.receive(), Ack)
                if ack.taken >= self._sent:
                    return ack

    async def close(self) -> None:
        if self._pinging is not None:
            self._pinging.cancel()
        await self.socket.close()

    async def _ping(self) -> None:
        with suppress(PeerError):
            while True:
                await asyncio.sleep(PING_EVERY_S)
                await self.socket.send(PING)
