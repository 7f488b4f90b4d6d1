"""What was sent on one connection and is not acknowledged yet.

Invariants: frames are numbered from 1 in the order in which they were sent; acknowledgements are
cumulative, never go back, and never cover what was not sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import msgspec

from service.outbox import Queued
from wire.errors import BadRequest
from wire.link import Ack


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One frame. sent_at: seconds, monotonic."""

    number: int
    items: Sequence[Queued]
    size: int
    sent_at: float


class Flight:
    """Owned by one exchange."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._sent = 0
        self.size = 0  # bytes in flight
        self.batches = 0

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def oldest_at(self) -> float | None:
        """When the oldest frame was sent, None if none is in flight."""
        return self._frames[0].sent_at if self._frames else None

    def add(self, items: Sequence[Queued], size: int, now: float) -> None:
        """A frame of `size` bytes is about to be sent."""
        self._sent += 1
        self._frames.append(Frame(self._sent, items, size, now))
        self.size += size
        self.batches += len(items)

    def acknowledge(self, ack: Ack) -> list[Frame]:
        """Remove and return the frames that are newly covered, oldest first. Raises BadRequest for
        an acknowledgement that cannot be true.
        """
        before = self._sent - len(self._frames)
        if not before <= ack.taken <= self._sent:
            raise BadRequest(f"{ack.taken} frames acknowledged, of {self._sent}, after {before}")
        if not all(before < number <= ack.taken for number in ack.refused):
            raise BadRequest("refused frames that it does not cover")
        return [self._pop() for _ in range(ack.taken - before)]

    def take_all(self) -> list[Queued]:
        """Remove and return all batches in flight, oldest first: they may not have arrived."""
        return [item for _ in range(len(self._frames)) for item in self._pop().items]

    def _pop(self) -> Frame:
        frame = self._frames.popleft()
        self.size -= frame.size
        self.batches -= len(frame.items)
        return frame
