"""The comment store as the steps make it, from what a store implements: see `ports`."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import structlog

from wire.entry import restamp
from wire.errors import StoreUnavailable
from writer.redaction import Redacted, Redaction
from writer.rules import Ruled, Rules, Ruling, Sanction
from writer.stepwise.append import AppendStats, GroupAppend
from writer.stepwise.decisions import Decisions
from writer.stepwise.errors import HeadLost
from writer.stepwise.group import Result
from writer.stepwise.pending import PendingEntries
from writer.stepwise.ports import (
    Authored,
    Groups,
    Keys,
    Packs,
    Reads,
    RemovedRows,
    Repeats,
    RuleTable,
    Slots,
)
from writer.stepwise.redact import RedactionSteps
from writer.stepwise.rule_rows import FILTERS, NO_ROW
from writer.stepwise.rules_as_of import RulesAsOf
from writer.stepwise.ruling import RulingSteps
from writer.store import Appended, AuthoredPage, Item, Outcome, Page, StoreReplaced

log = structlog.get_logger()

APPENDS_AT_ONCE = 128  # of the session's calls, so that posts to many videos leave room for reads


@dataclass(frozen=True, slots=True)
class Ports:
    """All that a store implements."""

    reads: Reads
    groups: Groups
    keys: Keys
    slots: Slots
    authored: Authored
    packs: Packs
    removed: RemovedRows
    repeats: Repeats
    rows: RuleTable


class StepwiseStore:
    """Implements most of `writer.store.CommentStore`; a store adds its life (`start`, `stop`),
    `check` and `try_write`. `on_replaced` is called, each time it is noticed, when the store is not
    the one it was: the process should end. where: the store's name, for errors.
    """

    def __init__(
        self, ports: Ports, on_replaced: Callable[[StoreReplaced], None], where: str
    ) -> None:
        self.stats = AppendStats()
        self._on_replaced, self._where = on_replaced, where
        self._epoch: str | None = None
        self._append_turns = asyncio.Semaphore(APPENDS_AT_ONCE)
        self._reads, self._authored, self._rows = ports.reads, ports.authored, ports.rows
        pending = PendingEntries(ports.reads, ports.packs, ports.rows)
        self._decisions = Decisions(RulesAsOf(ports.rows), ports.slots, pending)
        self._append = GroupAppend(
            ports.reads, ports.groups, ports.keys, self._decisions, self.stats
        )
        self._redact = RedactionSteps(
            ports.reads, self._append, ports.packs, ports.removed, ports.repeats
        )
        self._rule = RulingSteps(self._append, ports.packs, ports.rows, ports.repeats, pending)

    @property
    def shared_heads(self) -> int:
        """Heads that were answered without a read of their own."""
        return self._reads.heads.shared

    async def check(self) -> None:
        """As `CommentStore.check`."""
        raise NotImplementedError

    async def epoch(self) -> str:
        """The store's identity."""
        if self._epoch is None:
            raise StoreUnavailable(f"{self._where} cannot be reached")
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
        """As `CommentStore.redact`; see RedactionSteps."""
        epoch = await self.epoch()
        try:
            async with self._append_turns:
                return await self._redact.redact(epoch, video_id, redaction, created_at)
        except HeadLost:
            await self.check()  # whether it is another store
            raise

    async def rule(self, video_id: str, ruling: Ruling, created_at: str) -> Ruled:
        """As `CommentStore.rule`; see RulingSteps."""
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

    async def authored(self, author_id: str, video_id: str, after: int, limit: int) -> AuthoredPage:
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

    def check_epoch(self, epoch: str | None) -> None:
        """The epoch as it was read just now, None if there is none. Raises StoreReplaced."""
        if self._epoch is None and epoch is not None:
            self._epoch = epoch
            log.info("store_opened", epoch=epoch)
        elif epoch != self._epoch:
            replaced = StoreReplaced("the store has another epoch than before")
            self._on_replaced(replaced)
            raise replaced

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
