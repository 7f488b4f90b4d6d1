"""Hand-over to the dispatchers.

Invariants
- Every batch is offered to the dispatcher that comes first in the video's order; one that failed
  in the last AVOID_S seconds comes last.
- One request in flight for each dispatcher; what gathers meanwhile is one request, at most
  MAX_REQUEST_BYTES.
- A batch that was refused goes to the next dispatcher, MAX_ATTEMPTS times in all, then it is left
  to the nodes' anti-entropy check and counted. So is the oldest one of a full queue (MAX_QUEUED
  batches or MAX_QUEUED_BYTES for each dispatcher), and everything while no dispatcher is known.
- Batches may arrive twice or in another order; sequence numbers make that harmless.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from service.logs import bind_request
from service.tasks import TaskHome
from wire.errors import PeerError
from wire.internal import DISPATCH, MAX_INTERNAL_BYTES, Batch, Batches, encode
from wire.roles import Peer
from writer.metrics import WriterMetrics

log = structlog.get_logger()

AVOID_S = 3.0
MAX_ATTEMPTS = 4
MAX_QUEUED = 5_000
MAX_QUEUED_BYTES = 32 * 1024 * 1024
MAX_REQUEST_BYTES = 1024 * 1024  # but one batch always fits: 500 comments stay below 2 MiB
STOP_WITHIN_S = 2.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 1.0
_FORGET_FAULT_S = 60.0
_ENVELOPE_BYTES = 256  # of a batch in a request, without its comments


class PeerClient(Protocol):
    """What the sink needs of `service.http_client.InternalClient`."""

    async def post(
        self, peer: Peer, path: str, body: bytes, *, deadline_s: float | None = None
    ) -> bytes:
        """The body of a 200 reply; raises PeerError for anything else."""


@dataclass(frozen=True, slots=True)
class _Fault:
    """A dispatcher that failed: `count` times in a row, to be tried last until `until`."""

    until: float
    count: int


@dataclass(slots=True)
class _Queued:
    batch: Batch
    size: int
    attempts: int = 0


class _Outbox:
    """What waits for one dispatcher. Owned by the sink."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.queue: deque[_Queued] = deque()
        self.bytes = 0

    def push(self, queued: _Queued) -> int:
        """Queue a batch; how many old ones had to go for it."""
        self.queue.append(queued)
        self.bytes += queued.size
        dropped = 0
        while len(self.queue) > MAX_QUEUED or self.bytes > MAX_QUEUED_BYTES:
            self._pop()
            dropped += 1
        return dropped

    def take(self) -> list[_Queued]:
        """The batches of the next request, oldest first."""
        taken = [self._pop()]
        size = taken[0].size
        while self.queue and size + self.queue[0].size <= MAX_REQUEST_BYTES:
            taken.append(self._pop())
            size += taken[-1].size
        return taken

    def take_all(self) -> list[_Queued]:
        """Everything that is queued, oldest first."""
        return [self._pop() for _ in range(len(self.queue))]

    def _pop(self) -> _Queued:
        queued = self.queue.popleft()
        self.bytes -= queued.size
        return queued


class DispatchSink:
    """Implements `writer.sink.CommentSink`. `order` gives the dispatchers for a video, the
    preferred one first; it is asked anew for each batch and attempt.
    """

    def __init__(
        self,
        client: PeerClient,
        order: Callable[[str], Sequence[Peer]],
        tasks: TaskHome,
        metrics: WriterMetrics,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._order, self._tasks = client, order, tasks
        self._metrics, self._clock = metrics, clock
        self._outboxes: dict[str, _Outbox] = {}  # exists while something is queued or in flight
        self._senders: set[asyncio.Task[None]] = set()
        self._faults: dict[str, _Fault] = {}
        self._stopped = False

    @property
    def queued(self) -> int:
        """Batches that wait for a dispatcher, those in flight not counted."""
        return sum(len(outbox.queue) for outbox in self._outboxes.values())

    @property
    def failing(self) -> list[str]:
        """Ids of the dispatchers that failed a moment ago."""
        return sorted(filter(self._is_failing, self._faults))

    async def start(self) -> None:
        """Nothing to do: connections are made when they are needed."""

    async def stop(self) -> None:
        """Send what is queued, within STOP_WITHIN_S. Idempotent."""
        if self._senders:
            _, late = await asyncio.wait(self._senders, timeout=STOP_WITHIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._stopped = True
        self._drop("stopped", self.queued)
        self._outboxes.clear()

    def offer(self, batch: Batch) -> None:
        """Queue one batch. Never blocks, never raises."""
        size = _ENVELOPE_BYTES + sum(memoryview(raw).nbytes + 1 for raw in batch.comments)
        if size > MAX_INTERNAL_BYTES:
            self._drop("too_large", 1)
        else:
            self._enqueue(_Queued(batch, size))

    def _enqueue(self, queued: _Queued) -> None:
        peer = self._choose(queued.batch.video_id)
        if peer is None or self._stopped:
            self._drop("stopped" if self._stopped else "no_dispatcher", 1)
            return
        outbox = self._outboxes.get(peer.id)
        if outbox is None:
            outbox = self._outboxes[peer.id] = _Outbox(peer)
            self._spawn_sender(outbox)
        outbox.peer = peer  # one that was started again may have another address
        self._drop("queue_full", outbox.push(queued))

    def _choose(self, video_id: str) -> Peer | None:
        peers = self._order(video_id)
        healthy = next((peer for peer in peers if not self._is_failing(peer.id)), None)
        return healthy or min(peers, key=lambda peer: self._faults[peer.id].until, default=None)

    def _is_failing(self, name: str) -> bool:
        fault = self._faults.get(name)
        return fault is not None and fault.until > self._clock()

    def _spawn_sender(self, outbox: _Outbox) -> None:
        # In an empty context: a sender outlives the request that happened to start it.
        task = contextvars.Context().run(
            self._tasks.spawn, self._send_all(outbox), f"dispatch to {outbox.peer.id}"
        )
        self._senders.add(task)
        task.add_done_callback(self._senders.discard)

    async def _send_all(self, outbox: _Outbox) -> None:
        name = outbox.peer.id
        try:
            while outbox.queue:
                if self._is_failing(name):  # nobody better is there
                    await asyncio.sleep(_pause_s(self._faults[name].count))
                await self._send(outbox, outbox.take())
        finally:
            if self._outboxes.get(name) is outbox:
                del self._outboxes[name]
            self._drop("stopped", len(outbox.queue))

    async def _send(self, outbox: _Outbox, taken: Sequence[_Queued]) -> None:
        peer, batches = outbox.peer, tuple(queued.batch for queued in taken)
        try:
            with bind_request(batches[0].request_id):
                await self._client.post(peer, DISPATCH, encode(Batches(batches)))
        except PeerError as exc:
            self._note_failure(outbox, exc)
            self._send_elsewhere(outbox, taken)
        else:
            self._note_success(outbox)
            self._metrics.dispatch_sent.inc(len(taken))

    def _send_elsewhere(self, outbox: _Outbox, taken: Sequence[_Queued]) -> None:
        for queued in taken:
            queued.attempts += 1
        for queued in [*taken, *outbox.take_all()]:
            if queued.attempts >= MAX_ATTEMPTS:
                self._drop("attempts", 1)
            else:
                self._enqueue(queued)  # into the same outbox if there is no better one

    def _note_failure(self, outbox: _Outbox, exc: PeerError) -> None:
        name, now = outbox.peer.id, self._clock()
        before = self._faults.get(name)
        self._metrics.dispatch_failed.inc()
        if before is None:
            log.warning("dispatcher_failed", dispatcher=name, error=str(exc))
        self._faults = {n: f for n, f in self._faults.items() if f.until > now - _FORGET_FAULT_S}
        self._faults[name] = _Fault(now + AVOID_S, before.count + 1 if before else 1)

    def _note_success(self, outbox: _Outbox) -> None:
        if self._faults.pop(outbox.peer.id, None) is not None:
            log.info("dispatcher_back", dispatcher=outbox.peer.id)

    def _drop(self, reason: str, count: int) -> None:
        if count:
            self._metrics.dispatch_dropped.labels(reason).inc(count)


def _pause_s(failures: int) -> float:
    longest = min(_FIRST_PAUSE_S * 2.0 ** min(failures, 10), _LONGEST_PAUSE_S)
    return float(longest) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
