"""Hand-over to the dispatchers.

Invariants
- There is one link to each dispatcher that is known. Every batch is offered to the one that comes
  first in the video's order and does not fail.
- What a failing link holds goes to another dispatcher; a batch that was sent MAX_ATTEMPTS times in
  vain is left to the nodes' anti-entropy check and counted. So is what an outbox gives up, and
  everything while no dispatcher is known.
- Batches may arrive twice or in another order; sequence numbers make that harmless.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from service.link.flight import Frame
from service.link.link import Link, LinkContext
from service.outbox import Dropped, Queued
from wire.encoded_batch import EncodedBatch, encode_batch
from wire.errors import LivecommentsError
from wire.internal import Batch
from wire.link import Ack
from wire.roles import Peer

MAX_ATTEMPTS = 4
STOP_WITHIN_S = 2.0


class Order(Protocol):
    """What the sink needs of `coordination.HashRing`."""

    def order(self, video_id: str) -> Sequence[str]:
        """All ids for a video, the preferred one first."""

    def set_members(self, ids: Iterable[str]) -> None:
        """These are the ids from now on."""


@dataclass(slots=True)
class DispatchStats:
    """Batches since the start, and failures of links."""

    sent: int = 0
    failed: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


class DispatchSink:
    """Implements `writer.sink.CommentSink`, and owns the links."""

    def __init__(self, order: Order, context: LinkContext) -> None:
        self._order, self._ctx = order, context
        self._links: dict[str, Link] = {}
        self._stopped = False
        self.stats = DispatchStats()

    @property
    def queued(self) -> int:
        """Batches that wait for a dispatcher, those in flight not counted."""
        return sum(len(link.outbox) for link in self._links.values())

    @property
    def links(self) -> dict[str, bool]:
        """Dispatcher -> whether its link is connected."""
        return {name: link.connected for name, link in self._links.items()}

    @property
    def problem(self) -> str | None:
        """Why batches reach nobody; None if one dispatcher works."""
        if not self._links:
            return "none known"
        return "all failing" if all(link.failing for link in self._links.values()) else None

    def set_peers(self, peers: Iterable[Peer]) -> None:
        """These are the dispatchers from now on: each is dialled at once."""
        known = {peer.id: peer for peer in peers}
        self._order.set_members(known)
        gone = [self._links.pop(name) for name in list(self._links) if name not in known]
        for name, peer in known.items():
            if name in self._links:
                self._links[name].move(peer)
            else:
                self._links[name] = Link(peer, self._ctx, self)
                self._links[name].start()
        for link in gone:
            self._send_elsewhere(link.release())

    async def start(self) -> None:
        """Nothing to do: links are made as dispatchers become known."""

    async def stop(self) -> None:
        """Send what is queued, within STOP_WITHIN_S. Idempotent."""
        waits = [link.wait_idle() for link in self._links.values() if not link.failing]
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_WITHIN_S):
                await asyncio.gather(*waits)
        self._stopped = True
        for link in self._links.values():
            link.close()

    def offer(self, batch: Batch) -> None:
        """Queue one batch. Never blocks, never raises."""
        encoded = encode_batch(batch)
        if encoded is None:
            self.stats.dropped[Dropped.TOO_LARGE] += 1
            return
        self._place(Queued(encoded, asyncio.get_running_loop().time()))

    def acked(self, link: Link, frames: Sequence[Frame], ack: Ack) -> None:
        """See LinkOwner."""
        for frame in frames:
            if frame.number not in ack.refused:
                self.stats.sent += len(frame.items)

    def broke(self, link: Link, error: LivecommentsError, unsent: list[Queued]) -> None:
        """See LinkOwner."""
        self.stats.failed += 1
        tried = [msgspec.structs.replace(queued, attempts=queued.attempts + 1) for queued in unsent]
        self._send_elsewhere([*tried, *link.outbox.take_all()])

    def dropped(self, reason: Dropped, batch: EncodedBatch) -> None:
        """See LinkOwner."""
        self.stats.dropped[reason] += 1

    def _send_elsewhere(self, queue: Iterable[Queued]) -> None:
        for queued in queue:
            if queued.attempts >= MAX_ATTEMPTS:
                self.dropped(Dropped.ATTEMPTS, queued.encoded)
            else:
                self._place(queued)  # on the same link if there is no better one

    def _place(self, queued: Queued) -> None:
        link = self._choose(queued.encoded.video_id)
        if link is None or self._stopped:
            reason = Dropped.STOPPED if self._stopped else Dropped.NO_PEER
            self.dropped(reason, queued.encoded)
        else:
            link.requeue(queued)

    def _choose(self, video_id: str) -> Link | None:
        links = [self._links[name] for name in self._order.order(video_id)]
        for link in links:
            if not link.failing:
                return link
        return min(links, key=lambda link: link.failures, default=None)
