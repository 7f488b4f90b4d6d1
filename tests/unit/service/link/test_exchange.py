from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.link.exchange import Exchange, Unresponsive
from service.link.limits import SILENT_IN_FLIGHT_S, LinkLimits
from service.link.socket import LinkSocket
from service.outbox import Outbox, OutboxLimits, Queued
from service.pulse import PULSE_S
from tests.support import eventually
from tests.unit.dispatcher.encoded import encoded
from wire.internal import encode
from wire.link import Ack

TOO_LONG_S = SILENT_IN_FLIGHT_S + 0.1


class Said(LinkSocket):
    """Takes all that is sent, and receives what `say` was given."""

    def __init__(self) -> None:
        self._said: asyncio.Queue[bytes] = asyncio.Queue()
        self.closed = False

    def say(self, ack: Ack) -> None:
        self._said.put_nowait(encode(ack))

    async def send(self, data: bytes) -> None:
        pass

    async def receive(self) -> bytes:
        return await self._said.get()

    async def close(self, *, going_away: bool = False) -> None:
        self.closed = True


class Running:
    """An exchange with one frame in flight; sent_at: since when."""

    sent_at = 0.0

    def __init__(self) -> None:
        outbox = Outbox(OutboxLimits(), lambda *_: None)
        outbox.put(Queued(encoded(1), asyncio.get_running_loop().time()))
        self.peer = Said()
        self.exchange = Exchange(self.peer, outbox, LinkLimits(), lambda *_: None)
        self.run = asyncio.create_task(self.exchange.run())


@asynccontextmanager
async def running() -> AsyncIterator[Running]:
    one = Running()
    try:
        await eventually(lambda: one.exchange.flight)
        one.sent_at = one.exchange.flight.oldest_at or 0.0
        yield one
    finally:
        one.exchange.end()
        await one.run


async def test_a_peer_is_not_blamed_for_words_that_wait_in_a_process_that_stood_still() -> None:
    async with running() as one:
        one.peer.say(Ack(1))
        one.exchange.tick(one.sent_at + TOO_LONG_S)  # before the loop has read what is there
        await eventually(lambda: not one.exchange.flight)
        one.exchange.tick(one.sent_at + TOO_LONG_S + PULSE_S)
        one.exchange.retire()
        assert await one.run is None


async def test_a_peer_that_said_nothing_is_noticed_by_the_second_late_look() -> None:
    async with running() as one:
        one.exchange.tick(one.sent_at + TOO_LONG_S)
        one.exchange.tick(one.sent_at + TOO_LONG_S * 2)
        assert isinstance(await one.run, Unresponsive)


async def test_a_silent_peer_is_noticed_by_one_look_that_is_not_late() -> None:
    async with running() as one:
        one.exchange.tick(one.sent_at + TOO_LONG_S - PULSE_S)
        one.exchange.tick(one.sent_at + TOO_LONG_S)
        assert isinstance(await one.run, Unresponsive)
