"""What waits for one node: a queue with a bound on bytes, on batches and on age.

Invariants:
- batches leave in the order in which they came, so a video's batches keep their order;
- it never holds more than its limits; what does not fit pushes out the oldest, and what has waited
  too long is not sent: the node's anti-entropy check has asked the store by then, or is about to;
- every batch that goes in comes out through `take`, or is reported to `on_drop`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dispatcher.encoded_batch import EncodedBatch


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """Bounds of a queue, and of one request made from it (a batch over it travels alone)."""

    max_bytes: int = 8 * 1024 * 1024
    max_batches: int = 5_000
    max_age_s: float = 5.0
    request_bytes: int = 1024 * 1024
    request_batches: int = 500

    def small(self) -> OutboxLimits:
        """The bounds while the node does not answer: enough to show that it is back."""
        return OutboxLimits(
            max_bytes=self.max_bytes // 32,
            max_batches=max(self.max_batches // 32, 1),
            max_age_s=self.max_age_s / 2,
            request_bytes=self.request_bytes,
            request_batches=self.request_batches,
        )


@dataclass(frozen=True, slots=True)
class Queued:
    """A batch and when it was queued (seconds, monotonic)."""

    encoded: EncodedBatch
    since: float


class Outbox:
    """Owned by one sender. `on_drop(reason, batch)` has "full" or "late" as the reason."""

    def __init__(self, limits: OutboxLimits, on_drop: Callable[[str, EncodedBatch], None]) -> None:
        self._limits = limits
        self._on_drop = on_drop
        self._queue: deque[Queued] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def size(self) -> int:
        """Bytes queued."""
        return self._bytes

    def put(self, encoded: EncodedBatch, now: float) -> None:
        """Queue at the end."""
        self._queue.append(Queued(encoded, now))
        self._bytes += encoded.size
        self._trim()

    def put_back(self, items: Sequence[Queued]) -> None:
        """Queue again in front what `take` gave and could not be sent."""
        self._queue.extendleft(reversed(items))
        self._bytes += sum(item.encoded.size for item in items)
        self._trim()

    def take(self, now: float) -> list[Queued]:
        """What the next request carries, oldest first; empty if nothing waits."""
        self._drop_late(now)
        taken: list[Queued] = []
        room = self._limits.request_bytes
        while self._queue and len(taken) < self._limits.request_batches:
            room -= self._queue[0].encoded.size
            if room < 0 and taken:
                break
            taken.append(self._pop())
        return taken

    def set_limits(self, limits: OutboxLimits) -> None:
        """Change the bounds; what is over them is dropped now, oldest first."""
        self._limits = limits
        self._trim()

    def clear(self) -> None:
        """Drop everything, as "late"."""
        while self._queue:
            self._on_drop("late", self._pop().encoded)

    def _trim(self) -> None:
        limits = self._limits
        while len(self._queue) > limits.max_batches or self._bytes > limits.max_bytes:
            self._on_drop("full", self._pop().encoded)

    def _drop_late(self, now: float) -> None:
        while self._queue and now - self._queue[0].since > self._limits.max_age_s:
            self._on_drop("late", self._pop().encoded)

    def _pop(self) -> Queued:
        item = self._queue.popleft()
        self._bytes -= item.encoded.size
        return item
