"""From a writer's commit to Redis.

Invariants
- `offer` only queues: a commit never waits for Redis. The queue is bounded (see `service.outbox`).
- One connection, one write under way: what gathers meanwhile is the next one, a PUBLISH for each
  channel in it.
- What was written and not answered is written again on the next connection: a node that gets it
  twice drops it by its number.
- Redis is there when it has taken what waited, or answered a PING if nothing did: a login may be
  allowed, and a channel refused.
- An idle connection is asked once a second whether it lives, so that `connected` is true and the
  next comment finds a connection that works.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from pubsub.channels import Channels
from pubsub.connection import FIRST_PAUSE_S, Command, RedisAway, RedisConnection
from service.back_off import BackOff
from service.outbox import Dropped, Outbox, OutboxLimits, Queued
from service.tasks import TaskHome
from wire.encoded_batch import EncodedBatch, encode_batch, join_batches
from wire.internal import Batch

log = structlog.get_logger()

ANSWER_WITHIN_S = 2.0
STOP_WITHIN_S = 2.0
PING_EVERY_S = 1.0


@dataclass(slots=True)
class PublisherStats:
    """Totals since the start."""

    messages: int = 0
    batches: int = 0  # in those messages
    receivers: int = 0  # nodes that heard, summed over messages
    failures: int = 0  # connections that were lost, refused or too slow
    dropped: Counter[str] = field(
        default_factory=Counter
    )  # batches left to the anti-entropy check, by reason


class Publisher:
    """A `writer.sink.CommentSink` over Redis Pub/Sub."""

    def __init__(
        self,
        url: str,
        channels: Channels,
        tasks: TaskHome,
        *,
        limits: OutboxLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url, self._channels, self._tasks = url, channels, tasks
        self.stats = PublisherStats()
        self._clock = clock
        self._outbox = Outbox(limits or OutboxLimits(), self._count_dropped)
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()  # nothing waits and nothing is under way
        self._idle.set()
        self._tried = asyncio.Event()
        self._stopped = False
        self._connected = False

    @property
    def queued(self) -> int:
        """Batches that wait; those under way are not counted."""
        return len(self._outbox)

    @property
    def connected(self) -> bool:
        """Whether the last exchange with Redis worked."""
        return self._connected

    async def start(self) -> None:
        """Connect; returns after the first attempt, whatever came of it."""
        self._tasks.spawn(self._run(), "publisher")
        await self._tried.wait()

    async def stop(self) -> None:
        """Publish what waits, within STOP_WITHIN_S. Idempotent."""
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_WITHIN_S if self._connected else 0):
                await self._idle.wait()
        self._stopped = True
        self._outbox.drop_all(Dropped.STOPPED)

    def offer(self, batch: Batch) -> None:
        """Queue one batch. Never blocks, never raises."""
        encoded = encode_batch(batch)
        if self._stopped or encoded is None:
            self.stats.dropped[Dropped.STOPPED if self._stopped else Dropped.TOO_LARGE] += 1
            return
        self._outbox.put(Queued(encoded, self._clock()))
        self._idle.clear()
        self._wake.set()

    async def _run(self) -> None:
        back_off = BackOff(FIRST_PAUSE_S)
        while True:
            connection = RedisConnection(self._url)
            try:
                await connection.open()
                await self._publish_some(connection)
                back_off.reset()
                self._note(None)
                await self._publish_on(connection)
            except RedisAway as exc:
                self._note(exc)
            finally:
                await connection.close()
            await asyncio.sleep(back_off.next_s())

    async def _publish_on(self, connection: RedisConnection) -> None:
        """Until the connection is of no use. Raises RedisAway."""
        while True:
            if await self._publish_some(connection):
                continue
            self._idle.set()
            self._wake.clear()
            try:
                async with asyncio.timeout(PING_EVERY_S):
                    await self._wake.wait()
            except TimeoutError:
                await connection.ask([("PING",)], ANSWER_WITHIN_S)

    async def _publish_some(self, connection: RedisConnection) -> bool:
        """One write of what waits; False if nothing does. Raises RedisAway."""
        taken = self._outbox.take(self._clock())
        if not taken:
            return False
        commands = self._commands(taken)
        try:
            heard = await connection.ask(commands, ANSWER_WITHIN_S)
        except RedisAway:
            self._outbox.put_back(taken)
            raise
        self.stats.messages += len(commands)
        self.stats.batches += len(taken)
        self.stats.receivers += sum(count for count in heard if isinstance(count, int))
        return True

    def _commands(self, taken: Sequence[Queued]) -> list[Command]:
        """A PUBLISH for each channel, its batches in order."""
        by_channel: dict[str, list[EncodedBatch]] = {}
        for queued in taken:
            channel = self._channels.channel(queued.encoded.video_id)
            by_channel.setdefault(channel, []).append(queued.encoded)
        return [
            ("PUBLISH", channel, join_batches(batches)) for channel, batches in by_channel.items()
        ]

    def _note(self, error: RedisAway | None) -> None:
        if error is not None:
            self.stats.failures += 1
        connected = error is None
        if connected != self._connected or not self._tried.is_set():
            self._connected = connected
            if error is None:
                log.info("redis_connected", use="publish")
            else:
                log.warning("redis_away", use="publish", error=str(error))
        self._tried.set()

    def _count_dropped(self, reason: Dropped, _batch: EncodedBatch) -> None:
        self.stats.dropped[reason] += 1
