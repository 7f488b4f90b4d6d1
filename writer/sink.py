"""Where the writer hands over what it has committed."""

from __future__ import annotations

from typing import Protocol

from wire.internal import Batch


class CommentSink(Protocol):
    """Takes committed comments on their way to viewers. Losing one is allowed (the nodes'
    anti-entropy check heals it), delaying a commit is not: `offer` never blocks and never raises.
    """

    @property
    def queued(self) -> int:
        """Batches that wait."""

    async def start(self) -> None:
        """Connect; must not fail because a peer is away."""

    async def stop(self) -> None:
        """Hand over what is queued within a second or two, then release everything. Idempotent."""

    def offer(self, batch: Batch) -> None:
        """Queue one batch; when the queue is full the oldest is dropped and counted."""
