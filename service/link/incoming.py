"""The callee's end of one connection of a link.

Invariants: frames are handled in the order in which they came, each before the next is read; an
acknowledgement covers only what was handled. It is sent ACK_AFTER_S after the first frame that it
covers, at once if there is something to say or a good part of the window is used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from service.link.limits import ACK_AFTER_S, CALLER_SILENT_S, PING_EVERY_S, LinkLimits
from service.link.socket import LinkSocket
from wire.errors import BadRequest, PeerError
from wire.internal import Batch, decode_batches, encode
from wire.link import Ack

log = structlog.get_logger()

Take = Callable[[Sequence[Batch]], Sequence[str]]
_WINDOW_SHARE = 4


class Incoming:
    """`take` is given the batches of each frame, and returns the videos that are not served."""

    def __init__(self, socket: LinkSocket, limits: LinkLimits, take: Take) -> None:
        self._socket, self._limits, self._take = socket, limits, take
        self._loop = asyncio.get_running_loop()
        self._begun_at = self._heard_at = self._spoke_at = self._loop.time()
        self._taken, self._unacknowledged_bytes = 0, 0
        self._refused: list[int] = []
        self._not_serving: list[str] = []
        self._say = asyncio.Event()
        self._say.set()  # the first one shows the caller that it is served
        self._timer: asyncio.TimerHandle | None = None
        self._going_away = False
        self._end: asyncio.Future[str] = self._loop.create_future()

    async def run(self) -> str:
        """Until the connection ends; returns why. Never raises."""
        parts = [asyncio.ensure_future(self._read()), asyncio.ensure_future(self._write())]
        try:
            return await self._end
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
            if self._timer is not None:
                self._timer.cancel()
            await self._socket.close(going_away=self._going_away)

    async def leave(self) -> None:
        """End because this process does: what was taken is acknowledged first."""
        self._going_away = True
        try:
            async with asyncio.timeout(ACK_AFTER_S):
                await self._acknowledge()
        except (PeerError, TimeoutError):
            pass  # it is sent again, elsewhere
        self.end("leaving")

    def end(self, reason: str) -> None:
        """End now. Idempotent."""
        if not self._end.done():
            self._end.set_result(reason)

    def tick(self, now: float) -> None:
        """To be called about twice a second."""
        if now - self._heard_at > CALLER_SILENT_S:
            self.end("silent")
        elif now - self._begun_at > self._limits.lifetime_s:
            self.end("lifetime")
        elif now - self._spoke_at >= PING_EVERY_S:
            self._say.set()

    async def _read(self) -> None:
        try:
            while True:
                frame = await self._socket.receive()
                self._heard_at = self._loop.time()
                if frame:
                    self._take_in(frame)
        except PeerError as exc:
            self.end(str(exc))
        except Exception as exc:  # a bug of ours must not stop the process, nor be silent
            log.exception("link_failed")
            self.end(repr(exc))

    def _take_in(self, frame: bytes) -> None:
        self._taken += 1
        self._unacknowledged_bytes += len(frame)
        try:
            self._not_serving += self._take(decode_batches(frame))
        except BadRequest as exc:
            log.warning("frame_refused", detail=exc.detail)
            self._refused.append(self._taken)
        used = self._unacknowledged_bytes * _WINDOW_SHARE >= self._limits.window_bytes
        if used or self._not_serving or self._refused:
            self._say.set()
        elif self._timer is None:
            self._timer = self._loop.call_later(ACK_AFTER_S, self._say.set)

    async def _write(self) -> None:
        try:
            while True:
                await self._say.wait()
                await self._acknowledge()
        except PeerError as exc:
            self.end(str(exc))

    async def _acknowledge(self) -> None:
        self._say.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._spoke_at = self._loop.time()
        ack = Ack(self._taken, tuple(self._refused), tuple(dict.fromkeys(self._not_serving)))
        self._unacknowledged_bytes = 0
        self._refused, self._not_serving = [], []
        await self._socket.send(encode(ack))
