"""The caller's end of a link, by hand: one frame at a time, each acknowledged before the next."""

from __future__ import annotations

import asyncio

from service.http_client import InternalClient
from wire.internal import decode
from wire.link import Ack
from wire.roles import Peer

_WITHIN_S = 20.0


class LinkCaller:
    """One connection, opened by the first call."""

    def __init__(self, client: InternalClient, path: str) -> None:
        self._client, self._path = client, path
        self._sent = 0

    async def open(self, peer: Peer) -> None:
        """Raises PeerError if the peer refuses."""
        self.socket = await self._client.open_link(peer, self._path)
        self._sent = 0
        await self.socket.receive()  # it shows that it serves

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
        await self.socket.close()
