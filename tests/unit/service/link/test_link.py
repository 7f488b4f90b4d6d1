from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

import pytest

from service.link import exchange
from service.link.flight import Frame
from service.link.link import Link, LinkContext
from service.outbox import Dropped, Queued
from service.pulse import Pulse
from service.tasks import TaskHome
from tests.support import eventually
from tests.unit.dispatcher.encoded import node
from tests.unit.service.link.test_exchange import Said
from wire.encoded_batch import EncodedBatch
from wire.errors import LivecommentsError
from wire.link import Ack
from wire.roles import Peer


class Owner:
    """It is told nothing here."""

    def acked(self, link: Link, frames: Sequence[Frame], ack: Ack) -> None: ...

    def broke(self, link: Link, error: LivecommentsError, unsent: list[Queued]) -> None: ...

    def dropped(self, reason: Dropped, batch: EncodedBatch) -> None: ...


async def test_a_link_that_is_closed_as_soon_as_it_is_there_leaves_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exchange, "SILENT_S", math.inf)  # nothing else ends it
    peer, tasks = Said(), TaskHome()

    async def dial(_peer: Peer) -> Said:
        return peer

    link = Link(node("n1"), LinkContext(dial, tasks, Pulse()), Owner())
    link.start()
    while not link.connected:
        await asyncio.sleep(0)
    link.close()
    await eventually(lambda: peer.closed)
    await tasks.aclose()
