"""The comment store in Cassandra 5.0, for writers on many hosts. See schema.cql.

Put together from: a session (the driver, its threads, the link), reads, keys, and the steps that
are the same on DynamoDB (`writer.stepwise`). Order comes from the condition on the head, whoever
else writes; one writer per video at a time only makes it fast. A store that is away is
StoreUnavailable, at the start too; it comes back by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from writer.cassandra.authored import CassandraNotes
from writer.cassandra.config import CassandraConfig
from writer.cassandra.driver import READ
from writer.cassandra.groups import CassandraGroups
from writer.cassandra.keys import CassandraKeys
from writer.cassandra.layout import BUCKET_SIZE, Buckets
from writer.cassandra.moderation import CassandraModeration
from writer.cassandra.packs import CassandraPacks
from writer.cassandra.reads import CassandraReads
from writer.cassandra.removed import CassandraRemoved
from writer.cassandra.repeats import CassandraRepeats
from writer.cassandra.rule_rows import CassandraRuleRows
from writer.cassandra.schema import Store
from writer.cassandra.session import CassandraSession
from writer.cassandra.slots import CassandraSlots
from writer.ledger import Ledger
from writer.read_lanes import ReadBounds
from writer.redaction import REMOVED_KEPT_S
from writer.retention import kept_for
from writer.stepwise.authored import AuthoredSteps
from writer.stepwise.store import Ports, StepwiseStore
from writer.store import StoreReplaced


class CassandraStore(StepwiseStore):
    """Implements `writer.store.CommentStore`. `bucket_size` must be the same for as long as the
    store lives; only tests choose it. on_replaced: see StepwiseStore.
    """

    read_bounds = ReadBounds.of(heads=16, ranges=16, history=16)

    def __init__(
        self,
        config: CassandraConfig,
        *,
        on_replaced: Callable[[StoreReplaced], None] = lambda _: None,
        removed_kept_s: float = REMOVED_KEPT_S,
        ledger: Path | None = None,
        bucket_size: int = BUCKET_SIZE,
    ) -> None:
        buckets = Buckets(bucket_size)
        session = self._session = CassandraSession(config, self._check_store, on_replaced)
        reads = CassandraReads(session, buckets)
        kept_s = kept_for(removed_kept_s, config.retention_s)
        removed = CassandraRemoved(session, buckets, kept_s)
        authored = AuthoredSteps(reads, removed, CassandraNotes(session), bucket_size)
        ports = Ports(
            reads=reads,
            groups=CassandraGroups(session, reads, authored, buckets),
            keys=CassandraKeys(session, reads, buckets),
            slots=CassandraSlots(session, reads, buckets),
            authored=authored,
            packs=CassandraPacks(session, buckets),
            removed=removed,
            repeats=CassandraRepeats(session, buckets),
            rows=CassandraRuleRows(session),
        )
        super().__init__(ports, on_replaced, "Cassandra")
        self.moderation = CassandraModeration(
            session,
            authored,
            Ledger(ledger),
            partial(self._rule.touch, ""),
            self._rule.forget_staff,
        )

    @property
    def queues(self) -> dict[str, int]:
        """Calls that wait for their turn, and calls under way."""
        return {"store_calls": self._session.waiting, "store_under_way": self._session.under_way}

    @property
    def links(self) -> int:
        """How often a connection was made from scratch."""
        return self._session.links

    async def start(self) -> None:
        """Try to connect; goes on trying if that fails."""
        await self._session.start()

    async def stop(self) -> None:
        """Finish what is under way, disconnect. Idempotent."""
        await self._session.stop()
        await self._reads.heads.stop()

    async def check(self) -> None:
        """As `CommentStore.check`: a read of the epoch."""
        rows = await self._session.call(lambda cql: cql.read("epoch"), profile=READ)
        self.check_epoch(rows[0][0] if rows else None)

    async def try_write(self) -> bool:
        """As `CommentStore.try_write`: a write would cost the servers a round of theirs."""
        return False

    def _check_store(self, store: Store) -> None:
        self.check_epoch(store.epoch)
