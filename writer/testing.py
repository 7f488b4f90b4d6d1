"""Honest fakes for tests: a store in memory that can be held and broken, a sink that remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from wire.entry import Restored, is_comment
from wire.errors import StoreUnavailable
from wire.internal import Batch
from wire.testing import MemoryComments
from writer.idempotency import body_digest
from writer.memory_rules import MemoryRules
from writer.read_lanes import ReadBounds
from writer.redaction import (
    Kept,
    Redacted,
    Redaction,
    Removal,
    check_restorable,
    plan_removal,
)
from writer.rules import NO_RULES, Ruled, Rules, Ruling, Sanction
from writer.store import Appended, AuthoredPage, Item, Outcome, Page


class MemoryStore:
    """Implements `writer.store.CommentStore`, without durability.

    `gate` cleared holds every append before it stores anything; `broken` makes every call fail;
    keys in `unsearched` are UNDECIDED. `groups` is what was asked of `append`.
    """

    read_bounds = ReadBounds.of(heads=4, ranges=4, history=4)

    def __init__(
        self, comments: MemoryComments | None = None, rulebook: MemoryRules | None = None
    ) -> None:
        self._comments = comments or MemoryComments()
        self.rulebook = rulebook or MemoryRules(self._comments)
        self._open = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.broken = False
        self.unsearched: set[str] = set()
        self.groups: list[tuple[str, list[Item]]] = []

    async def start(self) -> None:
        """Serve calls."""
        self._open = True

    async def stop(self) -> None:
        """Refuse calls."""
        self._open = False

    async def epoch(self) -> str:
        """As CommentStore.epoch."""
        self._ensure_serving()
        return self._comments.epoch

    async def append(self, video_id: str, items: Sequence[Item]) -> list[Appended]:
        """As CommentStore.append."""
        self.groups.append((video_id, list(items)))
        await self.gate.wait()
        self._ensure_serving()
        return [self._append_one(video_id, item) for item in items]

    async def redact(self, video_id: str, redaction: Redaction, created_at: str) -> Redacted:
        """As CommentStore.redact."""
        await self.gate.wait()
        self._ensure_serving()
        if isinstance(redaction, Removal):
            return self._remove(video_id, redaction, created_at)
        return self._restore(video_id, redaction.seq, created_at)

    async def rule(self, video_id: str, ruling: Ruling, created_at: str) -> Ruled:
        """As CommentStore.rule."""
        await self.gate.wait()
        self._ensure_serving()
        return self.rulebook.rule(video_id, ruling, created_at)

    async def rules(self, video_id: str, author_id: str = "") -> tuple[Rules, Sanction | None]:
        """As CommentStore.rules."""
        self._ensure_serving()
        said = self.rulebook.sanctions.get((video_id, author_id))
        return self.rulebook.rules.get(video_id, NO_RULES), said

    async def rules_of(self, video_ids: Sequence[str]) -> dict[str, Rules]:
        """As CommentStore.rules_of."""
        self._ensure_serving()
        return {one: self.rulebook.rules[one] for one in video_ids if one in self.rulebook.rules}

    async def sanctions(self, video_id: str, limit: int, after: str = "") -> list[Sanction]:
        """As CommentStore.sanctions."""
        self._ensure_serving()
        return self.rulebook.list_sanctions(video_id, limit, after)

    async def filters(self, video_id: str) -> tuple[int, bytes]:
        """As CommentStore.filters."""
        self._ensure_serving()
        version = self.rulebook.rules.get(video_id, NO_RULES).filters
        return version, self.rulebook.filters.get(video_id, b"")

    async def authored(self, author_id: str, video_id: str, after: int, limit: int) -> AuthoredPage:
        """As CommentStore.authored."""
        self._ensure_serving()
        found = self._comments.find_authored(author_id, video_id)
        later = tuple(seq for seq in found if seq > after)
        last = later[limit - 1] if len(later) > limit else self._comments.head(video_id)
        return AuthoredPage(later[:limit], last, len(later) > limit)

    async def authored_videos(self, author_id: str, after: str, limit: int) -> list[str]:
        """As CommentStore.authored_videos."""
        self._ensure_serving()
        videos = sorted(video_id for video_id in self._comments.videos if video_id > after)
        return [one for one in videos if self._comments.find_authored(author_id, one)][:limit]

    async def used_slots(self, video_id: str, slots: Sequence[str]) -> dict[str, int]:
        """As CommentStore.used_slots."""
        self._ensure_serving()
        used = self.rulebook.used
        return {slot: used[video_id, slot] for slot in slots if (video_id, slot) in used}

    async def check(self) -> None:
        """As CommentStore.check."""
        self._ensure_serving()

    async def try_write(self) -> bool:
        """As CommentStore.try_write."""
        self._ensure_serving()
        return True

    async def range(
        self, video_id: str, after: int, through: int, *, for_history: bool = False
    ) -> Page:
        """As CommentStore.range."""
        return self._page(video_id, after + 1, through)

    async def recent(self, video_id: str, limit: int, before: int | None = None) -> Page:
        """As CommentStore.recent."""
        last = self._comments.head(video_id)
        last = last if before is None else min(last, before - 1)
        return self._page(video_id, last - limit + 1, last)

    async def heads(
        self, video_ids: Sequence[str], known: Mapping[str, int] | None = None
    ) -> dict[str, int]:
        """As CommentStore.heads."""
        self._ensure_serving()
        return {video_id: self._comments.head(video_id) for video_id in video_ids}

    def _ensure_serving(self) -> None:
        if self.broken or not self._open:
            raise StoreUnavailable("broken or closed")

    def _append_one(self, video_id: str, item: Item) -> Appended:
        if item.key in self.unsearched:
            return Appended(Outcome.UNDECIDED, 0, b"")
        known = self._comments.keys.get((video_id, item.key)) if item.key is not None else None
        if known is not None:
            seq, comment = known
            if body_digest(comment) != body_digest(item.comment):
                return Appended(Outcome.CONFLICT, 0, b"")
            raw = self._comments.find_raw(video_id, seq)
            if not is_comment(raw):
                return Appended(Outcome.REMOVED, seq, b"")
            return Appended(Outcome.REPLAYED, seq, raw)
        refusal = self.rulebook.refuse(video_id, item.comment)
        if refusal is not None:
            return Appended(Outcome.REFUSED, 0, b"", refusal)
        seq, raw = self._comments.add(video_id, item.comment, item.created_at)
        if item.key is not None:
            self._comments.keys[(video_id, item.key)] = (seq, item.comment)
        return Appended(Outcome.NEW, seq, raw)

    def _remove(self, video_id: str, removal: Removal, created_at: str) -> Redacted:
        rows = self._rows(video_id, removal.targets)
        kept = {seq: one for seq in removal.targets if (one := self._kept(video_id, seq))}
        plan = plan_removal(removal, rows, kept)
        earlier = tuple(self._rows(video_id, plan.notices).items())
        if removal.destroys:
            self._comments.destroy(video_id, removal.targets)
        if not plan.targets:
            return Redacted(None, earlier)
        notice = self._comments.remove(video_id, plan.removed(removal), created_at)
        raw = bytes(notice.comments[0])
        return Redacted(plan.removed(removal), ((notice.first_seq, raw), *earlier))

    def _restore(self, video_id: str, seq: int, created_at: str) -> Redacted:
        row = self._rows(video_id, [seq]).get(seq)
        check_restorable(seq, row, self._kept(video_id, seq))
        if row is not None and is_comment(row):
            return Redacted(None, (), row)
        notice = self._comments.restore(video_id, seq, created_at)
        raw, comment = bytes(notice.comments[0]), self._comments.find_raw(video_id, seq)
        return Redacted(Restored(msgspec.Raw(comment)), ((notice.first_seq, raw),), comment)

    def _rows(self, video_id: str, seqs: Sequence[int]) -> dict[int, bytes]:
        head = self._comments.head(video_id)
        return {seq: self._comments.find_raw(video_id, seq) for seq in seqs if 1 <= seq <= head}

    def _kept(self, video_id: str, seq: int) -> Kept | None:
        kept = self._comments.removed.get((video_id, seq))
        return None if kept is None else Kept(kept[1] or None, kept[0])

    def _page(self, video_id: str, first: int, last: int) -> Page:
        self._ensure_serving()
        first, raws = self._comments.find_between(video_id, first, last)
        oldest, head = self._comments.find_oldest(video_id), self._comments.head(video_id)
        return Page(first, raws, oldest, head)


class ListSink:
    """Implements `writer.sink.CommentSink`: keeps what it was offered."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    @property
    def queued(self) -> int:
        """Nothing waits."""
        return 0

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Nothing to do."""

    def offer(self, batch: Batch) -> None:
        """Keep the batch."""
        self.batches.append(batch)
