"""The caller's end of one connection of a link.

Invariants
- What is sent is in flight until it is acknowledged; never more than the window, but one frame
  always fits. What waits longer stays in the outbox, whose bounds count.
- A batch that comes alone goes out at once, what gathers in one turn of the loop goes together.
- A peer is not blamed for what waits in a mailbox of this process: after a look at the clock that
  came late it has until the next one.
- An exchange ends once, with the reason; what is in flight then may or may not have arrived.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from service.link.flight import Flight, Frame
from service.link.limits import LATE_S, PING_EVERY_S, SILENT_IN_FLIGHT_S, SILENT_S, LinkLimits
from service.link.socket import LinkSocket
from service.outbox import Outbox
from wire.encoded_batch import join_batches
from wire.errors import BadRequest, LivecommentsError, PeerError
from wire.internal import decode
from wire.link import PING, Ack

OnAck = Callable[[Sequence[Frame], Ack], None]


class Unresponsive(PeerError):
    """The peer is connected, and does not answer or not acknowledge."""


class Exchange:
    """Sends what `outbox` holds. on_ack hears of frames that were taken, and of what was said."""

    def __init__(
        self, socket: LinkSocket, outbox: Outbox, limits: LinkLimits, on_ack: OnAck
    ) -> None:
        self._socket, self._outbox, self._limits, self._on_ack = socket, outbox, limits, on_ack
        self._loop = asyncio.get_running_loop()
        self.flight = Flight()
        self._heard_at = self._spoke_at = self._ticked_at = self._loop.time()
        self._suspect = False
        self._retired = False
        self._wake = asyncio.Event()
        self._end: asyncio.Future[LivecommentsError | None] = self._loop.create_future()

    async def run(self) -> LivecommentsError | None:
        """Until it ends: what was wrong, None if it was ended by `end` or after `retire`."""
        parts = [asyncio.ensure_future(self._write()), asyncio.ensure_future(self._read())]
        try:
            waits: set[asyncio.Future[Any]] = {*parts, self._end}
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for part in parts:
                if part.done():
                    part.result()  # a bug of ours, unless it has ended the exchange itself
            return await self._end
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def close(self) -> None:
        """Close the connection, after `run`: a peer that stands still can delay this."""
        await self._socket.close()

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    def retire(self) -> None:
        """Send nothing more, and end when all is acknowledged."""
        self._retired = True
        self._end_if_done()

    def end(self, error: LivecommentsError | None = None) -> None:
        """End now. Idempotent."""
        if not self._end.done():
            self._end.set_result(error)

    def tick(self, now: float) -> None:
        """To be called about twice a second: whether the peer lives, and that we do."""
        late, self._ticked_at = now - self._ticked_at > LATE_S, now
        wrong = self._what_is_wrong(now)
        if wrong is not None and (self._suspect or not late):
            self.end(Unresponsive(wrong))
        elif now - self._spoke_at >= PING_EVERY_S:
            self._wake.set()
        self._suspect = wrong is not None

    def _what_is_wrong(self, now: float) -> str | None:
        oldest, silent_s = self.flight.oldest_at, now - self._heard_at
        if oldest is not None and now - oldest > self._limits.ack_deadline_s:
            return "does not acknowledge"
        if oldest is not None and min(now - oldest, silent_s) > SILENT_IN_FLIGHT_S:
            return "is silent, with frames in flight"
        return "is silent" if silent_s > SILENT_S else None

    async def _write(self) -> None:
        try:
            while not self._retired:
                now = self._loop.time()
                message = self._next_frame(now)
                if message is None and now - self._spoke_at >= PING_EVERY_S:
                    message = PING
                if message is None:
                    self._wake.clear()
                    await self._wake.wait()
                else:
                    self._spoke_at = now
                    await self._socket.send(message)
        except PeerError as exc:
            self.end(exc)

    def _next_frame(self, now: float) -> bytes | None:
        if self.flight.size >= self._limits.window_bytes:
            return None
        items = self._outbox.take(now)
        if not items:
            return None
        frame = join_batches([item.encoded for item in items])
        self.flight.add(items, len(frame), now)
        return frame

    async def _read(self) -> None:
        try:
            while True:
                message = await self._socket.receive()
                self._heard_at = self._loop.time()
                self._take_in(decode(message, Ack))
        except (PeerError, BadRequest) as exc:
            self.end(exc)

    def _take_in(self, ack: Ack) -> None:
        frames = self.flight.acknowledge(ack)
        self._on_ack(frames, ack)
        if frames:
            self._wake.set()  # the window may have been full
            self._end_if_done()

    def _end_if_done(self) -> None:
        if self._retired and not self.flight:
            self.end()
