"""What waits to be sent to one receiver: a queue with a bound on bytes, on batches and on age.

Invariants
- Batches leave in the order in which they came, so a video's batches keep their order.
- It never holds more than its limits. What does not fit pushes out the oldest; what has waited too
  long is not sent. The nodes' anti-entropy check delivers both.
- Every batch that goes in comes out through `take` or `take_all`, or is reported to `on_dropped`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import msgspec

from wire.encoded_batch import EncodedBatch

_MIB = 1024 * 1024
_SMALL = 32  # how much smaller the bounds are for a receiver that does not answer


class Dropped(StrEnum):
    """Why a batch was given up; the nodes' anti-entropy check delivers it."""

    QUEUE_FULL = "queue_full"
    LATE = "late"
    TOO_LARGE = "too_large"
    REFUSED = "refused"
    ATTEMPTS = "attempts"
    NO_PEER = "no_peer"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """Bounds of a queue, and of one message made from it (a batch over it travels alone)."""

    max_bytes: int = 32 * _MIB
    max_batches: int = 5_000
    max_age_s: float = 5.0  # the anti-entropy check of a busy video has delivered it long ago
    message_bytes: int = _MIB
    message_batches: int = 500

    def small(self) -> OutboxLimits:
        """The bounds while the receiver does not answer: enough to show that it is back."""
        return replace(
            self,
            max_bytes=self.max_bytes // _SMALL,
            max_batches=max(self.max_batches // _SMALL, 1),
            max_age_s=self.max_age_s / 2,
        )


# A struct of msgspec: one is made for each batch and receiver, at a seventh of the cost of a frozen
# dataclass, and without work for the collector.
class Queued(msgspec.Struct, frozen=True, gc=False):
    """A batch, when it was first queued (seconds, monotonic), and how often it was sent in vain."""

    encoded: EncodedBatch
    since: float
    attempts: int = 0


class Outbox:
    """Owned by whoever sends."""

    def __init__(
        self, limits: OutboxLimits, on_dropped: Callable[[Dropped, EncodedBatch], None]
    ) -> None:
        self._limits = limits
        self._on_dropped = on_dropped
        self._queue: deque[Queued] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def size(self) -> int:
        """Bytes queued."""
        return self._bytes

    def put(self, queued: Queued) -> None:
        """Queue at the end."""
        self._queue.append(queued)
        self._bytes += queued.encoded.size
        self._trim()

    def put_back(self, taken: Iterable[Queued]) -> None:
        """Queue again in front what `take` gave and may not have arrived."""
        for queued in reversed(list(taken)):
            self._queue.appendleft(queued)
            self._bytes += queued.encoded.size
        self._trim()

    def take(self, now: float) -> list[Queued]:
        """What the next message carries, oldest first; empty if nothing young enough waits."""
        self._drop_late(now)
        taken: list[Queued] = []
        room = self._limits.message_bytes
        while self._queue and len(taken) < self._limits.message_batches:
            room -= self._queue[0].encoded.size
            if room < 0 and taken:
                break
            taken.append(self._pop())
        return taken

    def take_all(self) -> list[Queued]:
        """Everything, oldest first."""
        return [self._pop() for _ in range(len(self._queue))]

    def set_limits(self, limits: OutboxLimits) -> None:
        """Change the bounds; what is over them is dropped now, oldest first."""
        self._limits = limits
        self._trim()

    def drop_all(self, reason: Dropped) -> None:
        """Give everything up."""
        while self._queue:
            self._on_dropped(reason, self._pop().encoded)

    def _trim(self) -> None:
        limits = self._limits
        while len(self._queue) > limits.max_batches or self._bytes > limits.max_bytes:
            self._on_dropped(Dropped.QUEUE_FULL, self._pop().encoded)

    def _drop_late(self, now: float) -> None:
        while self._queue and now - self._queue[0].since > self._limits.max_age_s:
            self._on_dropped(Dropped.LATE, self._pop().encoded)

    def _pop(self) -> Queued:
        queued = self._queue.popleft()
        self._bytes -= queued.encoded.size
        return queued
