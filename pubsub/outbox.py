"""What waits to be published.

Invariants: bounded by MAX_QUEUED batches, MAX_QUEUED_BYTES and MAX_AGE_S; what goes for that is the
oldest, and the nodes' anti-entropy check delivers it. What was taken and not published comes back
to the front.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pubsub.messages import MAX_MESSAGE_BYTES
from wire.internal import Batch

MAX_QUEUED = 5_000
MAX_QUEUED_BYTES = 32 * 1024 * 1024
MAX_AGE_S = 5.0  # the anti-entropy check of a busy video has delivered it long ago
MAX_TAKEN_BYTES = 1024 * 1024  # of one write; but one batch always fits
_ENVELOPE_BYTES = 256  # of a batch in a message, without its comments


@dataclass(frozen=True, slots=True)
class Queued:
    """One batch that waits since `at`."""

    batch: Batch
    size: int
    at: float


class Outbox:
    """Owned by the publisher. `on_dropped(reason, count)` hears of every batch that is released."""

    def __init__(self, clock: Callable[[], float], on_dropped: Callable[[str, int], None]) -> None:
        self._clock, self._on_dropped = clock, on_dropped
        self._queue: deque[Queued] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._queue)

    def push(self, batch: Batch) -> None:
        """Queue one batch."""
        size = _ENVELOPE_BYTES + sum(memoryview(raw).nbytes + 1 for raw in batch.comments)
        if size > MAX_MESSAGE_BYTES:
            self._on_dropped("too_large", 1)
            return
        self._queue.append(Queued(batch, size, self._clock()))
        self._bytes += size
        self._keep_bounds()

    def take(self) -> list[Queued]:
        """The oldest batches that make one write, in order; empty if nothing young enough waits."""
        self._drop_late()
        taken: list[Queued] = []
        size = 0
        while self._queue and (not taken or size + self._queue[0].size <= MAX_TAKEN_BYTES):
            taken.append(self._pop())
            size += taken[-1].size
        return taken

    def put_back(self, taken: Sequence[Queued]) -> None:
        """They may not have been published: they are the oldest again."""
        self._queue.extendleft(reversed(taken))
        self._bytes += sum(queued.size for queued in taken)
        self._keep_bounds()

    def drop_all(self, reason: str) -> None:
        """Let everything go."""
        self._drop(reason, len(self._queue))

    def _keep_bounds(self) -> None:
        while len(self._queue) > MAX_QUEUED or self._bytes > MAX_QUEUED_BYTES:
            self._drop("queue_full", 1)

    def _drop_late(self) -> None:
        oldest = self._clock() - MAX_AGE_S
        while self._queue and self._queue[0].at < oldest:
            self._drop("late", 1)

    def _drop(self, reason: str, count: int) -> None:
        for _ in range(count):
            self._pop()
        if count:
            self._on_dropped(reason, count)

    def _pop(self) -> Queued:
        queued = self._queue.popleft()
        self._bytes -= queued.size
        return queued
