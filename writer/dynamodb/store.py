"""The comment store in DynamoDB, for writers on many hosts: one table, see `layout` and
docs/dynamodb.md.

Put together from: a session (the SDK's client, its bounds), reads, keys, and the steps that are the
same on Cassandra (`writer.stepwise`). Order comes from the condition on the item after the head,
whoever else writes; one writer per video at a time only makes it fast. A store that is away is
StoreUnavailable, at the start too; it comes back by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from writer.dynamodb.authored import DynamoNotes
from writer.dynamodb.config import DynamoConfig
from writer.dynamodb.groups import DynamoGroups
from writer.dynamodb.keys import DynamoKeys
from writer.dynamodb.layout import AUTHOR_BUCKET
from writer.dynamodb.marks import DynamoMarks
from writer.dynamodb.moderation import DynamoModeration
from writer.dynamodb.packs import DynamoPacks
from writer.dynamodb.reads import DynamoReads
from writer.dynamodb.removed import DynamoRemoved
from writer.dynamodb.repeats import DynamoRepeats
from writer.dynamodb.retention import DynamoRetention
from writer.dynamodb.rule_rows import DynamoRuleRows
from writer.dynamodb.session import DynamoSession
from writer.dynamodb.slots import DynamoSlots
from writer.ledger import Ledger
from writer.read_lanes import ReadBounds
from writer.redaction import REMOVED_KEPT_S
from writer.retention import kept_for
from writer.stepwise.authored import AuthoredSteps
from writer.stepwise.store import Ports, StepwiseStore
from writer.store import StoreReplaced


class DynamoStore(StepwiseStore):
    """Implements `writer.store.CommentStore`. `author_bucket` must be the same for as long as the
    store lives; only tests choose it. on_replaced: see StepwiseStore.
    """

    read_bounds = ReadBounds.of(heads=16, ranges=16, history=16)

    def __init__(
        self,
        config: DynamoConfig,
        *,
        on_replaced: Callable[[StoreReplaced], None] = lambda _: None,
        removed_kept_s: float = REMOVED_KEPT_S,
        ledger: Path | None = None,
        author_bucket: int = AUTHOR_BUCKET,
    ) -> None:
        session = self.session = DynamoSession(config, self.check_epoch, on_replaced)
        reads, marks = DynamoReads(session), DynamoMarks(session)
        kept_s = kept_for(removed_kept_s, config.retention_s)
        slots, removed = DynamoSlots(marks, reads), DynamoRemoved(session, kept_s)
        authored = AuthoredSteps(reads, removed, DynamoNotes(session), author_bucket)
        self.retention = DynamoRetention(session, config.retention_s)
        ports = Ports(
            reads=reads,
            groups=DynamoGroups(session, reads, authored, slots, self.retention),
            keys=DynamoKeys(marks, reads),
            slots=slots,
            authored=authored,
            packs=DynamoPacks(session, reads),
            removed=removed,
            repeats=DynamoRepeats(session),
            rows=DynamoRuleRows(session),
        )
        super().__init__(ports, on_replaced, "DynamoDB")
        self.moderation = DynamoModeration(
            session,
            authored,
            Ledger(ledger),
            partial(self._rule.touch, ""),
            self._rule.forget_staff,
        )

    @property
    def queues(self) -> dict[str, int]:
        """Calls that wait for their turn, calls under way, and groups that get their `ttl`."""
        return {
            "store_calls": self.session.waiting,
            "store_under_way": self.session.under_way,
            "store_expiring": self.retention.waiting,
        }

    @property
    def links(self) -> int:
        """How often the store was opened from scratch."""
        return self.session.links

    async def start(self) -> None:
        """Try to reach it; goes on trying if that fails."""
        await self.session.start()

    async def stop(self) -> None:
        """Finish what is under way, disconnect. Idempotent."""
        await self.retention.stop()
        await self._reads.heads.stop()
        await self.session.stop()

    async def check(self) -> None:
        """As `CommentStore.check`: a read of the epoch."""
        self.check_epoch(await self.session.read_epoch())

    async def try_write(self) -> bool:
        """As `CommentStore.try_write`: a write would cost a unit each time."""
        return False
