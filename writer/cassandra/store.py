"""The comment store in Cassandra 5.0, for writers on many hosts. See schema.cql.

Put together from: a session (the driver, its threads, the link), reads, keys, and the appending of
groups. Order comes from the condition on the head, whoever else writes; one writer per video at a
time only makes it fast. A store that is away is StoreUnavailable, at the start too; it comes back
by itself.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping, Sequence

import msgspec
import structlog

from wire.entry import restamp
from wire.errors import StoreUnavailable
from writer.cassandra.append import CassandraAppend, CassandraStats
from writer.cassandra.config import CassandraConfig
from writer.cassandra.driver import READ
from writer.cassandra.errors import HeadLost
from writer.cassandra.group import Result
from writer.cassandra.keys import CassandraKeys
from writer.cassandra.layout import BUCKET_SIZE, Buckets
from writer.cassandra.packs import CassandraPacks
from writer.cassandra.reads import CassandraReads
from writer.cassandra.redact import CassandraRedact
from writer.cassandra.removed import CassandraRemoved
from writer.cassandra.schema import Store
from writer.cassandra.session import CassandraSession
from writer.read_lanes import ReadBounds
from writer.redaction import REMOVED_KEPT_S, Redacted, Redaction
from writer.store import Appended, Item, Outcome, Page, StoreReplaced

log = structlog.get_logger()

APPENDS_AT_ONCE = 128  # of the session's calls, so that posts to many videos leave room for reads


class CassandraStore:
    """Implements `writer.store.CommentStore`. `on_replaced` is called, each time it is noticed,
    when the keyspace is not the one it was: the process should end. `bucket_size` must be the same
    for as long as the store lives; only tests choose it.
    """

    read_bounds = ReadBounds.of(heads=16, ranges=16, history=16)

    def __init__(
        self,
        config: CassandraConfig,
        *,
        on_replaced: Callable[[StoreReplaced], None] = lambda _: None,
        removed_kept_s: float = REMOVED_KEPT_S,
        bucket_size: int = BUCKET_SIZE,
    ) -> None:
        buckets = Buckets(bucket_size)
        self.stats = CassandraStats()
        self._on_replaced = on_replaced
        self._epoch: str | None = None
        self._append_turns = asyncio.Semaphore(APPENDS_AT_ONCE)
        self._session = CassandraSession(config, self._check_epoch)
        self._reads = CassandraReads(self._session, buckets)
        keys = CassandraKeys(self._session, self._reads, buckets)
        self._append = CassandraAppend(self._session, self._reads, keys, buckets, self.stats)
        self._redact = CassandraRedact(
            self._reads,
            self._append,
            CassandraPacks(self._session, buckets),
            CassandraRemoved(self._session, buckets, removed_kept_s),
        )

    @property
    def queues(self) -> dict[str, int]:
        """Calls that wait for their turn, and calls under way."""
        return {"store_calls": self._session.waiting, "store_under_way": self._session.under_way}

    @property
    def links(self) -> int:
        """How often a connection was made from scratch."""
        return self._session.links

    @property
    def shared_heads(self) -> int:
        """Heads that were answered without a read of their own."""
        return self._reads.heads.shared

    async def start(self) -> None:
        """Try to connect; goes on trying if that fails."""
        await self._session.start()

    async def stop(self) -> None:
        """Finish what is under way, disconnect. Idempotent."""
        await self._session.stop()
        await self._reads.heads.stop()

    async def epoch(self) -> str:
        """The store's identity."""
        if self._epoch is None:
            raise StoreUnavailable("Cassandra cannot be reached")
        return self._epoch

    async def append(self, video_id: str, items: Sequence[Item]) -> list[Appended]:
        """As `CommentStore.append`."""
        epoch = await self.epoch()
        try:
            async with self._append_turns:
                results = await self._append.append(epoch, video_id, items)
        except HeadLost:
            await self.check()  # whether it is another store
            raise
        return [self._appended(result, epoch) for result in results]

    async def redact(self, video_id: str, redaction: Redaction, created_at: str) -> Redacted:
        """As `CommentStore.redact`; see CassandraRedact."""
        epoch = await self.epoch()
        try:
            async with self._append_turns:
                return await self._redact.redact(epoch, video_id, redaction, created_at)
        except HeadLost:
            await self.check()  # whether it is another store
            raise

    async def check(self) -> None:
        """As `CommentStore.check`: a read of the epoch."""
        rows = await self._session.call(lambda cql: cql.read("epoch"), profile=READ)
        self._check_epoch_text(rows[0][0] if rows else None)

    async def try_write(self) -> bool:
        """As `CommentStore.try_write`: a write would cost the servers a round of theirs."""
        return False

    async def range(
        self, video_id: str, after: int, through: int, *, for_history: bool = False
    ) -> Page:
        """As `CommentStore.range`."""
        return await self._restamped(await self._reads.fetch_range(video_id, after, through))

    async def recent(self, video_id: str, limit: int, before: int | None = None) -> Page:
        """As `CommentStore.recent`."""
        return await self._restamped(await self._reads.fetch_recent(video_id, limit, before))

    async def heads(
        self, video_ids: Sequence[str], known: Mapping[str, int] | None = None
    ) -> dict[str, int]:
        """As `CommentStore.heads`."""
        return await self._reads.fetch_heads(video_ids, known or {})

    def _appended(self, result: Result, epoch: str) -> Appended:
        if result is None:
            return Appended(Outcome.UNDECIDED, 0, b"")
        if result.outcome is Outcome.REPLAYED:
            return msgspec.structs.replace(result, raw=restamp(result.raw, epoch.encode()))
        return result

    async def _restamped(self, page: Page) -> Page:
        epoch = (await self.epoch()).encode()
        comments = tuple(restamp(raw, epoch) for raw in page.comments)
        return dataclasses.replace(page, comments=comments)

    def _check_epoch(self, store: Store) -> None:
        self._check_epoch_text(store.epoch)

    def _check_epoch_text(self, epoch: str | None) -> None:
        if self._epoch is None and epoch is not None:
            self._epoch = epoch
            log.info("store_opened", epoch=epoch)
        elif epoch != self._epoch:
            replaced = StoreReplaced("the store has another epoch than before")
            self._on_replaced(replaced)
            raise replaced
