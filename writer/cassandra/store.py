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
from functools import partial

import msgspec
import structlog

from wire.entry import restamp
from wire.errors import StoreUnavailable
from writer.cassandra.append import CassandraAppend, CassandraStats, Preliminaries
from writer.cassandra.authored import CassandraAuthored
from writer.cassandra.config import CassandraConfig
from writer.cassandra.decisions import CassandraDecisions
from writer.cassandra.driver import READ
from writer.cassandra.errors import HeadLost
from writer.cassandra.group import Result
from writer.cassandra.keys import CassandraKeys
from writer.cassandra.layout import BUCKET_SIZE, Buckets
from writer.cassandra.moderation import CassandraModeration
from writer.cassandra.packs import CassandraPacks
from writer.cassandra.pending import CassandraPending
from writer.cassandra.reads import CassandraReads
from writer.cassandra.redact import CassandraRedact
from writer.cassandra.removed import CassandraRemoved
from writer.cassandra.repeats import CassandraRepeats
from writer.cassandra.rule import CassandraRule
from writer.cassandra.rule_rows import FILTERS, NO_ROW, CassandraRuleRows
from writer.cassandra.rules import CassandraRules
from writer.cassandra.schema import Store
from writer.cassandra.session import CassandraSession
from writer.cassandra.slots import CassandraSlots
from writer.read_lanes import ReadBounds
from writer.redaction import REMOVED_KEPT_S, Redacted, Redaction
from writer.rules import Ruled, Rules, Ruling, Sanction
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
        self._authored = CassandraAuthored(self._session, self._reads, buckets)
        self._rows = CassandraRuleRows(self._session)
        packs = CassandraPacks(self._session, buckets)
        pending = CassandraPending(self._reads, packs, self._rows)
        self._decisions = CassandraDecisions(
            CassandraRules(self._rows), CassandraSlots(self._session, self._reads, buckets), pending
        )
        keys = CassandraKeys(self._session, self._reads, buckets)
        before = Preliminaries(keys, self._decisions, self._authored)
        self._append = CassandraAppend(self._session, self._reads, before, buckets, self.stats)
        repeats = CassandraRepeats(self._session, buckets)
        removed = CassandraRemoved(self._session, buckets, removed_kept_s)
        self._redact = CassandraRedact(self._reads, self._append, packs, removed, repeats)
        self._rule = CassandraRule(self._append, packs, self._rows, repeats, pending)
        self.moderation = CassandraModeration(
            self._session, partial(self._rule.touch, ""), self._rule.forget_staff
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

    async def rule(self, video_id: str, ruling: Ruling, created_at: str) -> Ruled:
        """As `CommentStore.rule`; see CassandraRule."""
        epoch = await self.epoch()
        try:
            async with self._append_turns:
                return await self._rule.rule(epoch, video_id, ruling, created_at)
        except HeadLost:
            await self.check()  # whether it is another store
            raise

    async def rules(self, video_id: str, author_id: str = "") -> tuple[Rules, Sanction | None]:
        """As `CommentStore.rules`."""
        rows = await self._rows.fetch(video_id, [author_id] if author_id else [])
        said = rows.authors.get(author_id)
        return rows.video.rules, None if said is None else said.sanction

    async def rules_of(self, video_ids: Sequence[str]) -> dict[str, Rules]:
        """As `CommentStore.rules_of`."""
        return await self._rows.fetch_many(video_ids)

    async def sanctions(self, video_id: str, limit: int, after: str = "") -> list[Sanction]:
        """As `CommentStore.sanctions`."""
        return await self._rows.list_sanctions(video_id, limit, after)

    async def filters(self, video_id: str) -> tuple[int, bytes]:
        """As `CommentStore.filters`."""
        rows = await self._rows.fetch(video_id, [FILTERS])
        return rows.video.rules.filters, rows.rows.get(FILTERS, NO_ROW).body

    async def authored(self, author_id: str, video_id: str, after: int, limit: int) -> list[int]:
        """As `CommentStore.authored`."""
        return await self._authored.fetch(author_id, video_id, after, limit)

    async def authored_videos(self, author_id: str, after: str, limit: int) -> list[str]:
        """As `CommentStore.authored_videos`."""
        return await self._authored.fetch_videos(author_id, after, limit)

    async def used_slots(self, video_id: str, slots: Sequence[str]) -> dict[str, int]:
        """As `CommentStore.used_slots`."""
        rows, head = await asyncio.gather(
            self._rows.fetch(video_id), self._reads.fetch_head(video_id)
        )
        return await self._decisions.fetch_used(video_id, head, rows.video.rules, slots)

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
