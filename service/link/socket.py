"""Either end's connection: an aiohttp WebSocket (RFC 6455), and its errors in our words."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import ClientWebSocketResponse, WSCloseCode, WSMsgType, web

from service.link.limits import CLOSE_WITHIN_S
from wire.errors import PeerError


class LinkSocket:
    """Messages are bytes. It does not matter who opened it."""

    def __init__(self, socket: ClientWebSocketResponse | web.WebSocketResponse) -> None:
        self._socket = socket

    async def send(self, data: bytes) -> None:
        """Returns when the message is on its way, which a peer that does not read can delay for
        ever. Raises PeerError if the connection has ended.
        """
        try:
            await self._socket.send_bytes(data)
        except (ConnectionError, RuntimeError) as exc:
            raise PeerError(f"the connection has ended: {exc}".rstrip(": ")) from exc

    async def receive(self) -> bytes:
        """The next message. Raises PeerError when the connection has ended, or for a message that
        is not binary.
        """
        message = await self._socket.receive()
        if message.type is WSMsgType.BINARY:
            return bytes(message.data)
        if message.type is WSMsgType.TEXT:
            raise PeerError("a text message")
        # The library has closed it already, also for a message over the bound (1009).
        raise PeerError(f"the connection has ended, code {self._socket.close_code}")

    async def close(self, *, going_away: bool = False) -> None:
        """Close it, at once if the peer does not take part. Idempotent, never raises."""
        code = WSCloseCode.GOING_AWAY if going_away else WSCloseCode.OK
        with suppress(TimeoutError, ConnectionError, RuntimeError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self._socket.close(code=code)
