"""Removing and restoring comments in Cassandra.

Packs and the log's head are in different partitions, or would be too much for one condition; so a
removal has steps, each under its own condition: the text is kept apart, with a head from before;
the packs are rewritten; the notice is numbered; its number is kept too. Whoever dies in between has
told nobody, and the same call again, on any writer, goes on where it ended.

Invariants
- The notice is numbered once. It is stored under the condition that the head is one up to which the
  log was searched for it, from the head that was kept on. So of two writers that both think it is
  missing, the second one finds that of the first.
- A comment is hidden before its notice is numbered: what a range holds whose head is the notice's
  number or higher.
- The head that is kept was read before the comment was seen unremoved. An earlier notice, of a
  removal that was taken back, lies before it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import msgspec

from service.failpoints import Failpoint, reach
from wire.entry import (
    TOMBSTONE,
    Notice,
    Removed,
    Restored,
    decode_notice,
    decode_seq,
    encode_removed,
    encode_restored,
    entry_type,
    is_comment,
    restamp,
)
from wire.errors import StoreUnavailable
from writer.cassandra.append import SETTLE_WITHIN_S, CassandraAppend, pause
from writer.cassandra.packs import CassandraPacks
from writer.cassandra.reads import CassandraReads
from writer.cassandra.removed import CassandraRemoved, Remains
from writer.redaction import (
    Redacted,
    Redaction,
    Removal,
    Restoration,
    check_restorable,
    plan_removal,
)

_Encode = Callable[[int, Notice], bytes]
_UNKNOWN = "commit outcome unknown; send the same call again"


@dataclass(frozen=True, slots=True)
class _Call:
    video_id: str
    deadline: float
    encode: _Encode


@dataclass(slots=True)
class _Search:
    """For the notices of `sinces` (number -> a head before its notice); found ones move to
    `notices`.
    """

    kind: type[Notice]
    sinces: dict[int, int]
    searched: int
    notices: dict[int, tuple[bytes, list[int]]]  # number -> itself, and whose it is

    def look_at(self, seq: int, raw: bytes) -> None:
        """An entry of the log."""
        notice = None if is_comment(raw) else decode_notice(raw)
        if isinstance(notice, self.kind):
            mine = [one for one in _targets(notice) if self.sinces.get(one, seq) < seq]
            for one in mine:
                del self.sinces[one]
            if mine:
                self.notices[seq] = (raw, mine)


class CassandraRedact:
    """Has no state of its own."""

    def __init__(
        self,
        reads: CassandraReads,
        append: CassandraAppend,
        packs: CassandraPacks,
        removed: CassandraRemoved,
    ) -> None:
        self._reads, self._append = reads, append
        self._packs, self._removed = packs, removed

    async def redact(
        self, epoch: str, video_id: str, redaction: Redaction, created_at: str
    ) -> Redacted:
        """As CommentStore.redact."""

        def encode(seq: int, notice: Notice) -> bytes:
            if isinstance(notice, Removed):
                return encode_removed(epoch, video_id, seq, notice, created_at)
            comment = restamp(bytes(notice.comment), epoch.encode())
            return encode_restored(epoch, video_id, seq, comment, created_at)

        call = _Call(video_id, time.monotonic() + SETTLE_WITHIN_S, encode)
        try:
            async with asyncio.timeout(SETTLE_WITHIN_S):
                if isinstance(redaction, Removal):
                    return await self._remove(call, redaction)
                return await self._restore(call, redaction, epoch.encode())
        except TimeoutError as exc:
            raise StoreUnavailable(_UNKNOWN) from exc

    async def _remove(self, call: _Call, removal: Removal) -> Redacted:
        video_id = call.video_id
        for attempt in count(1):
            since = await self._append.fresh_head(video_id)
            entries = await self._packs.fetch(video_id, removal.targets)
            found = await self._removed.fetch(video_id, removal.targets)
            kept = {seq: remains.kept() for seq, remains in found.items()}
            plan = plan_removal(removal, entries.raws, kept)
            new = {seq: entries.raws[seq] for seq in plan.tombstones}
            if not new or (
                await self._removed.keep(video_id, new, found, since)
                and await self._packs.rewrite(video_id, entries, plan.tombstones)
            ):
                break
            await pause(attempt, call.deadline)
        reach(Failpoint.WRITER_REDACTED)
        sinces = dict.fromkeys(new, since) | _open_removals(found, entries.raws)
        search = _Search(Removed, dict(sinces), min(sinces.values(), default=0), {})
        _, _, notice = await self._number(
            call, search, lambda left: Removed(left, removal.by, removal.reason)
        )
        for known, (_, seqs) in search.notices.items():
            await self._removed.note_notice(video_id, {seq: sinces[seq] for seq in seqs}, known)
        before = set(plan.notices) - {0}
        notices = (await self._packs.fetch(video_id, before)).raws if before else {}
        notices |= {known: one for known, (one, _) in search.notices.items()}
        return Redacted(notice, tuple(sorted(notices.items(), reverse=True)))

    async def _restore(self, call: _Call, restoration: Restoration, epoch: bytes) -> Redacted:
        video_id, seq = call.video_id, restoration.seq
        for attempt in count(1):
            since = await self._append.fresh_head(video_id)
            entries = await self._packs.fetch(video_id, [seq])
            found = (await self._removed.fetch(video_id, [seq])).get(seq)
            row = entries.raws.get(seq)
            check_restorable(seq, row, found and found.kept())
            assert row is not None
            if is_comment(row):
                comment = restamp(row, epoch)
                if found is None or found.restoring is None:
                    return Redacted(None, (), comment)
                since = found.restoring
                break
            assert found is not None
            assert found.raw is not None
            comment = restamp(found.raw, epoch)
            if await self._removed.begin_restoring(
                video_id, seq, found, since
            ) and await self._packs.rewrite(video_id, entries, {seq: comment}):
                break
            await pause(attempt, call.deadline)
        reach(Failpoint.WRITER_REDACTED)
        search = _Search(Restored, {seq: since}, since, {})
        number, raw, notice = await self._number(
            call, search, lambda _: Restored(msgspec.Raw(comment))
        )
        assert found is not None
        await self._removed.end_restoring(video_id, seq, found._replace(restoring=since))
        return Redacted(notice, ((number, raw),) if raw else (), comment)

    async def _number(
        self, call: _Call, search: _Search, say: Callable[[tuple[int, ...]], Notice]
    ) -> tuple[int, bytes, Notice | None]:
        """Number a notice for what the log has none of: number, itself and what it says; 0, nothing
        and None if it has all of them.
        """
        for losses in count(1):
            if not search.sinces:
                return 0, b"", None
            head = await self._append.head(call.video_id)
            await self._search(call.video_id, search, head)
            if not search.sinces:
                return 0, b"", None
            notice = say(tuple(sorted(search.sinces)))
            raw = call.encode(head + 1, notice)
            if await self._append.append_entry(call.video_id, head, raw, call.deadline):
                search.notices[head + 1] = (raw, list(search.sinces))
                return head + 1, raw, notice
            await pause(losses, call.deadline)
        raise AssertionError("count does not end")

    async def _search(self, video_id: str, search: _Search, through: int) -> None:
        """Up to `through`; a removal that nobody interrupted has nothing to search."""
        while search.sinces and search.searched < through:
            first, raws, end = await self._reads.fetch_stretch(video_id, search.searched, through)
            for seq, raw in enumerate(raws, first):
                search.look_at(seq, raw)
            search.searched = end


def _open_removals(found: dict[int, Remains], raws: dict[int, bytes]) -> dict[int, int]:
    """Removed comments whose notice is not known, with a head from before it."""
    return {
        seq: remains.since
        for seq, remains in found.items()
        if remains.since is not None
        and remains.known_notice is None
        and entry_type(raws.get(seq, b"")) == TOMBSTONE
    }


def _targets(notice: Notice) -> tuple[int, ...]:
    if isinstance(notice, Removed):
        return notice.targets
    return (decode_seq(bytes(notice.comment)),)
