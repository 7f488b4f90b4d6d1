"""A link: hands batches to one peer for as long as there is such a peer.

Invariants
- It is dialled as soon as it runs, and again whenever it breaks, after a pause that grows; a peer
  that came back elsewhere is dialled at once.
- A connection is replaced before its lifetime ends, at a random time: so a certificate that was
  rotated and a CA that was taken out count within that time. The old one carries nothing new and
  ends when it is acknowledged.
- What was in flight when a connection broke is given to the owner, who sends it again, here or
  elsewhere: it may arrive twice, which sequence numbers make harmless.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from service.back_off import BackOff
from service.link.exchange import Exchange, Unresponsive
from service.link.flight import Frame
from service.link.limits import LinkLimits
from service.link.socket import LinkSocket
from service.outbox import Dropped, Outbox, OutboxLimits, Queued
from service.pulse import Pulse
from service.tasks import TaskHome
from wire.encoded_batch import EncodedBatch
from wire.errors import LivecommentsError, PeerError
from wire.link import Ack
from wire.roles import Peer

log = structlog.get_logger()

FAILURES_UNTIL_SMALL = 3
AVOID_S = 3.0  # a peer that did not respond
PROVEN_AFTER_S = 1.0  # a connection on which nothing was sent
_RENEW_FROM, _RENEW_UNTIL = 0.5, 0.9  # of the lifetime


class LinkOwner(Protocol):
    """Who hears what becomes of batches."""

    def acked(self, link: Link, frames: Sequence[Frame], ack: Ack) -> None:
        """The peer has taken them; some of them it may have refused."""

    def broke(self, link: Link, error: LivecommentsError, unsent: list[Queued]) -> None:
        """It could not be dialled, or the connection broke. `unsent` is the owner's now."""

    def dropped(self, reason: Dropped, batch: EncodedBatch) -> None:
        """A batch was given up."""


@dataclass(frozen=True, slots=True)
class LinkContext:
    """What all links of a process share."""

    dial: Callable[[Peer], Awaitable[LinkSocket]]  # raises PeerError
    tasks: TaskHome
    pulse: Pulse
    limits: LinkLimits = field(default_factory=LinkLimits)
    outbox: OutboxLimits = field(default_factory=OutboxLimits)


class Link:
    """`start` begins to dial; `close` is the end of it."""

    def __init__(self, peer: Peer, context: LinkContext, owner: LinkOwner) -> None:
        self.peer = peer
        self._ctx, self._owner = context, owner
        self._name = f"{peer.role}/{peer.id}"
        self.outbox = Outbox(context.outbox, owner.dropped)
        self._back_off = BackOff()
        self._pause_s = 0.0
        self._avoid_until = 0.0
        self._proven_from = 0.0
        self._current: Exchange | None = None
        self._exchanges: set[Exchange] = set()
        self._closed = False
        self._hurry = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def connected(self) -> bool:
        """Whether what is offered now is sent now."""
        return self._current is not None

    @property
    def failures(self) -> int:
        """How often it failed in a row."""
        return self._back_off.failures

    @property
    def failing(self) -> bool:
        """Whether another peer is the better choice for a while."""
        return self.failures > 0 and (not self.connected or self._now() < self._avoid_until)

    @property
    def in_flight(self) -> int:
        """Batches sent and not acknowledged."""
        return sum(exchange.flight.batches for exchange in self._exchanges)

    @property
    def depth(self) -> int:
        """Batches queued and in flight."""
        return len(self.outbox) + self.in_flight

    def start(self) -> None:
        """Begin to dial."""
        self._ctx.tasks.spawn(self._run(), f"link to {self._name}")

    def offer(self, encoded: EncodedBatch) -> None:
        """Queue a batch. Never blocks, never raises."""
        self.requeue(Queued(encoded, self._now()))

    def requeue(self, queued: Queued) -> None:
        """Queue a batch that has waited elsewhere."""
        if self._closed:
            self._owner.dropped(Dropped.STOPPED, queued.encoded)
            return
        self.outbox.put(queued)
        self._idle.clear()
        if self._current is not None:
            self._current.wake()

    def move(self, peer: Peer) -> None:
        """The peer is at this address now: the connection to the old one is of no use."""
        if peer != self.peer:
            self.peer = peer
            self._hurry.set()
            if self._current is not None:
                self._current.end(PeerError("it has another address"))

    async def wait_idle(self) -> None:
        """Wait until nothing is queued or in flight."""
        await self._idle.wait()

    def release(self) -> list[Queued]:
        """Close, and return what was queued or in flight, oldest first: the owner's now."""
        flying = [queued for one in self._exchanges for queued in one.flight.take_all()]
        kept = [*flying, *self.outbox.take_all()]
        self.close()
        return kept

    def close(self) -> None:
        """Give up what is queued or in flight, and end. Idempotent."""
        self._closed = True
        self._hurry.set()
        self.outbox.drop_all(Dropped.STOPPED)
        for exchange in self._exchanges:
            exchange.end()
        self._idle.set()

    async def _run(self) -> None:
        while not self._closed:
            self._hurry.clear()  # set from here on, it spares the pause after this very attempt
            try:
                socket = await self._ctx.dial(self.peer)
            except PeerError as exc:
                self._fail(exc, [])
            else:
                await self._use(socket)
            if self.failures and not self._closed:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), self._pause_s)

    async def _use(self, socket: LinkSocket) -> None:
        """Until the connection has ended, or has to be replaced."""
        exchange = Exchange(socket, self.outbox, self._ctx.limits, self._on_ack)
        before, self._current = self._current, exchange
        self._proven_from = max(self._now() + PROVEN_AFTER_S, self._avoid_until)
        if before is not None:
            before.retire()
        self._exchanges.add(exchange)  # here already: `close` may come before its task begins
        ended = self._ctx.tasks.spawn(self._run_exchange(exchange), f"exchange with {self._name}")
        if self._closed:
            exchange.end()
        renew_s = self._ctx.limits.lifetime_s * random.uniform(_RENEW_FROM, _RENEW_UNTIL)  # noqa: S311
        await asyncio.wait({ended}, timeout=renew_s)

    async def _run_exchange(self, exchange: Exchange) -> None:
        self._ctx.pulse.add(exchange.tick)
        try:
            error = await exchange.run()
        finally:
            self._ctx.pulse.discard(exchange.tick)
            self._exchanges.discard(exchange)
            if self._current is exchange:
                self._current = None
            # Not here: until a dead peer has been closed nothing could be dialled.
            self._ctx.tasks.spawn(exchange.close(), f"end of an exchange with {self._name}")
        unsent = exchange.flight.take_all()
        if self._closed:
            for queued in unsent:
                self._owner.dropped(Dropped.STOPPED, queued.encoded)
        elif error is not None:
            self._fail(error, unsent)
        self._note_idle()

    def _fail(self, error: LivecommentsError, unsent: list[Queued]) -> None:
        if isinstance(error, Unresponsive):
            self._avoid_until = self._now() + AVOID_S
        self._pause_s = self._back_off.next_s()
        if self.failures == 1:
            log.warning("link_broken", peer=self._name, error=str(error))
        elif self.failures == FAILURES_UNTIL_SMALL:
            self.outbox.set_limits(self._ctx.outbox.small())
        self._owner.broke(self, error, unsent)

    def _works(self) -> None:
        if self.failures:
            log.info("link_restored", peer=self._name)
            self._back_off.reset()
            self.outbox.set_limits(self._ctx.outbox)

    def _on_ack(self, frames: Sequence[Frame], ack: Ack) -> None:
        # A peer that only says that it lives may be one that takes nothing, or that hangs up soon.
        if frames or self._now() >= self._proven_from:
            self._works()
        for frame in frames:
            if frame.number in ack.refused:
                for item in frame.items:
                    self._owner.dropped(Dropped.REFUSED, item.encoded)
        self._owner.acked(self, frames, ack)
        self._note_idle()

    def _note_idle(self) -> None:
        if not self.depth:
            self._idle.set()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
