"""Removing and restoring comments.

Packs and the log's head are in different partitions, or would be too much for one condition; so a
removal has steps, each under its own condition: the text is kept apart, with a head from before;
the packs are rewritten; the notice is numbered; its number is kept too. Whoever dies in between has
told nobody, and the same call again, on any writer, goes on where it ended. An erasure is the same
with one step more: the text that was kept is destroyed. Many comments are hidden, and destroyed, in
portions: a store that is too slow for all of them before the deadline gets further by each call.

Invariants
- The notice is numbered once. It is stored under the condition that the head is one up to which the
  log was searched for it, from the head that was kept on. So of two writers that both think it is
  missing, the second one finds that of the first.
- A comment is hidden before its notice is numbered: what a range holds whose head is the notice's
  number or higher.
- The head that is kept was read before the comment was seen unremoved. An earlier notice, of a
  removal that was taken back, lies before it.
- The text is kept until the notice is numbered, also when it is to be destroyed: by it the author's
  comments are found (`Authored`), and so is what an erasure that died has left undone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

import msgspec

from service.failpoints import Failpoint, reach
from wire.entry import (
    TOMBSTONE,
    Notice,
    Removed,
    Restored,
    decode_notice,
    encode_removed,
    encode_restored,
    entry_type,
    is_comment,
    repeated_seq,
    restamp,
)
from wire.errors import StoreUnavailable
from writer.redaction import (
    Redacted,
    Redaction,
    Removal,
    check_restorable,
    plan_removal,
    tombstones,
)
from writer.stepwise.packs import in_portions
from writer.stepwise.pausing import SETTLE_WITHIN_S, pause
from writer.stepwise.ports import Log, Packs, Reads, RemovedRows, Repeats
from writer.stepwise.remains import Remains

_Encode = Callable[[int, Notice], bytes]
_UNKNOWN = "commit outcome unknown; send the same call again"


@dataclass(frozen=True, slots=True)
class _Call:
    video_id: str
    deadline: float
    encode: _Encode


class _Overtaken(Exception):
    """Somebody else has changed the same comments meanwhile."""


@dataclass(slots=True)
class _Search:
    """Of the log, for notices of some comments.

    sinces: comments of which the notice has not been found, and a head before it. notices: found
    ones, by number, and whose they are. again: entries that have shown one of the comments again;
    in_doubt: after it was hidden, or just before.
    """

    kind: type[Notice]
    sinces: dict[int, int]
    searched: int
    notices: dict[int, tuple[bytes, list[int]]] = field(default_factory=dict)
    again: set[int] = field(default_factory=set)
    in_doubt: bool = False

    def look_at(self, number: int, raw: bytes) -> None:
        """An entry of the log. Raises _Overtaken."""
        notice = None if is_comment(raw) else decode_notice(raw)
        if notice is None:
            return
        named = [seq for seq in _comments_of(notice) if seq in self.sinces]
        mine = [seq for seq in named if self.sinces[seq] < number]
        if isinstance(notice, self.kind):
            for seq in mine:
                del self.sinces[seq]
            if mine:
                self.notices[number] = (raw, mine)
        elif isinstance(notice, Removed) and mine:
            raise _Overtaken
        elif self.kind is Removed and named:
            self.again.add(number)
            self.in_doubt = self.in_doubt or (isinstance(notice, Restored) and bool(mine))


class RedactionSteps:
    """Has no state of its own."""

    def __init__(
        self,
        reads: Reads,
        append: Log,
        packs: Packs,
        removed: RemovedRows,
        repeats: Repeats,
    ) -> None:
        self._reads, self._append = reads, append
        self._packs, self._removed, self._repeats = packs, removed, repeats

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
                for attempt in count(1):
                    try:
                        if isinstance(redaction, Removal):
                            return await self._remove(call, redaction)
                        return await self._restore(call, redaction.seq, epoch.encode(), attempt)
                    except _Overtaken:
                        await pause(attempt, call.deadline)
        except TimeoutError as exc:
            raise StoreUnavailable(_UNKNOWN) from exc
        raise AssertionError("count does not end")

    async def _remove(self, call: _Call, removal: Removal) -> Redacted:
        """Raises _Overtaken if it has to be begun again."""
        video_id = call.video_id
        since = await self._append.fresh_head(video_id)
        entries = await self._packs.fetch(video_id, removal.targets)
        found = await self._removed.fetch(video_id, removal.targets)
        # After `since` was read: a pin that is not seen here is numbered above it.
        repeats = await self._repeats.fetch(video_id, removal.targets)
        kept = {seq: remains.kept() for seq, remains in found.items()}
        plan = plan_removal(removal, entries.raws, kept)
        for portion in entries.portions(plan.targets):
            new = {seq: entries.raws[seq] for seq in portion}
            if not (
                await self._removed.keep(video_id, new, found, since)
                and await self._packs.rewrite(video_id, entries, tombstones(new))
            ):
                raise _Overtaken
        reach(Failpoint.WRITER_REDACTED)
        sinces = dict.fromkeys(plan.targets, since) | _open_removals(found, entries.raws)
        begin = min([*sinces.values(), *_shown_after(sinces, found, repeats)], default=0)
        search = _Search(Removed, dict(sinces), begin)
        notice = await self._number(
            call, search, lambda left: Removed(left, removal.by, removal.reason)
        )
        for known, (_, seqs) in search.notices.items():
            await self._removed.note_notice(video_id, {seq: sinces[seq] for seq in seqs}, known)
        if removal.destroys:
            await self._destroy(call, removal.targets)
        before = set(plan.notices) - {0}
        notices = (await self._packs.fetch(video_id, before)).raws if before else {}
        notices |= {known: one for known, (one, _) in search.notices.items()}
        return Redacted(notice, tuple(sorted(notices.items(), reverse=True)))

    async def _destroy(self, call: _Call, targets: Sequence[int]) -> None:
        """Keep nothing of comments that are hidden. Raises _Overtaken if one is shown again."""
        for attempt in count(1):
            found = await self._removed.fetch(call.video_id, targets)
            if await self._destroy_texts(call.video_id, found):
                break
            await pause(attempt, call.deadline)
        entries = await self._packs.fetch(call.video_id, targets)
        if any(map(is_comment, entries.raws.values())):
            raise _Overtaken

    async def _destroy_texts(self, video_id: str, found: Mapping[int, Remains]) -> bool:
        """Those that are kept of `found`; False if a row is not as it was found."""
        texts = [seq for seq, remains in found.items() if remains.raw is not None]
        for portion in in_portions([seq] for seq in texts):
            if not await self._removed.destroy(video_id, {seq: found[seq] for seq in portion}):
                return False
        return True

    async def _restore(self, call: _Call, seq: int, epoch: bytes, attempt: int) -> Redacted:
        """Raises _Overtaken if it has to be begun again."""
        video_id = call.video_id
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
            begun = found
            if attempt > 1:  # else it is perhaps of a call that died: its notice may be there
                # A removal is numbered after it, which hid the comment before this showed it.
                begun = await self._begin_restoring(video_id, seq, found, since)
        else:
            assert found is not None
            assert found.raw is not None
            comment = restamp(found.raw, epoch)
            begun = await self._begin_restoring(video_id, seq, found, since)
            if not await self._packs.rewrite(video_id, entries, {seq: comment}):
                raise _Overtaken
        assert begun.restoring is not None
        since = begun.restoring
        reach(Failpoint.WRITER_REDACTED)
        search = _Search(Restored, {seq: since}, since)
        notice = await self._number(call, search, lambda _: Restored(msgspec.Raw(comment)))
        ((number, (raw, _)),) = search.notices.items()
        await self._removed.end_restoring(video_id, seq, since, begun.ended(number))
        return Redacted(notice, ((number, raw),) if notice else (), comment)

    async def _begin_restoring(
        self, video_id: str, seq: int, found: Remains, since: int
    ) -> Remains:
        """The row as it is then. Raises _Overtaken."""
        begun = found.begun(since)
        if not await self._removed.begin_restoring(video_id, seq, found, begun):
            raise _Overtaken
        return begun

    async def _number(
        self, call: _Call, search: _Search, say: Callable[[tuple[int, ...]], Notice]
    ) -> Notice | None:
        """Number a notice for what the log has none of; None if it has all of them. All are in
        `search.notices` then. Raises _Overtaken.
        """
        for losses in count(1):
            if not search.sinces:
                return None
            head = await self._append.head(call.video_id)
            await self._search(call.video_id, search, head)
            if not search.sinces:
                return None
            if search.in_doubt:
                await self._check_hidden(call.video_id, search)
            notice = say(tuple(sorted(search.sinces)))
            raw = call.encode(head + 1, notice)
            if await self._append.append_entry(call.video_id, head, raw, call.deadline):
                search.notices[head + 1] = (raw, list(search.sinces))
                return notice
            await self._append.pause_after_loss(call.video_id, losses, call.deadline)
        raise AssertionError("count does not end")

    async def _check_hidden(self, video_id: str, search: _Search) -> None:
        """Raises _Overtaken if one of the comments has been shown again. (If that is done after
        this, it finds the notice that is numbered now, and begins again.)
        """
        entries = await self._packs.fetch(video_id, search.sinces)
        if any(map(is_comment, entries.raws.values())):
            raise _Overtaken
        search.in_doubt = False

    async def _search(self, video_id: str, search: _Search, through: int) -> None:
        """Up to `through`; where nobody interrupted anything there is nothing to search. Entries
        that have shown one of the comments again give way to tombstones.
        """
        while search.sinces and search.searched < through:
            first, raws, end = await self._reads.fetch_stretch(video_id, search.searched, through)
            for seq, raw in enumerate(raws, first):
                search.look_at(seq, raw)
            search.searched = end
        while search.again:
            entries = await self._packs.fetch(video_id, search.again)
            if await self._packs.rewrite(video_id, entries, tombstones(entries.raws)):
                search.again.clear()


def _open_removals(found: dict[int, Remains], raws: dict[int, bytes]) -> dict[int, int]:
    """Removed comments whose notice is not known, with a head from before it."""
    return {
        seq: remains.since
        for seq, remains in found.items()
        if remains.since is not None
        and remains.known_notice is None
        and entry_type(raws.get(seq, b"")) == TOMBSTONE
    }


def _shown_after(
    seqs: Iterable[int], found: Mapping[int, Remains], repeats: Mapping[int, int]
) -> Iterator[int]:
    """Numbers after which lie all entries that have the text of these, restored or pinned."""
    for seq in seqs:
        restored = found[seq].shown_after if seq in found else None
        if restored is not None:
            yield restored
        if seq in repeats:
            yield repeats[seq]


def _comments_of(notice: Notice) -> tuple[int, ...]:
    """The comments that a notice is about."""
    if isinstance(notice, Removed):
        return notice.targets
    seq = repeated_seq(notice)
    return () if seq is None else (seq,)
