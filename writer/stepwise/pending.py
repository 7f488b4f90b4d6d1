"""Numbering the entry of a part of the rules that was changed.

Invariants: a part whose entry is not known to be numbered is changed by nobody (see RuleRows), and
whoever meets it numbers it: its own call, that call again, another ruling of the same part, or a
group that is to be decided by it. The entry is stored under the condition that the head is one up
to which the log was searched for it, from a head that was read after the state before it had its
entry. So of all that think that it is missing one numbers it, and the others find it; and no
comment that was decided by a part has a number below its entry.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from typing import NamedTuple

import msgspec

from wire.entry import is_comment, restamp
from wire.errors import StoreUnavailable
from wire.rulings import encode_pinned, encode_sanctioned, encode_settings
from writer.stepwise.ports import Log, Packs, Reads, RuleTable
from writer.stepwise.rule_rows import VIDEO, RuleRows, SaidOfAuthor, VideoRules

_NOTE_ATTEMPTS = 3  # somebody who writes another part of the same row may be first


class Numbered(NamedTuple):
    """An entry; new: whether it was numbered by this call."""

    number: int
    raw: bytes
    new: bool


class _Pending(NamedTuple):
    """What is to be numbered. since: a head from before it; encode: the entry by its number."""

    since: int
    encode: Callable[[int], bytes]


class PendingEntries:
    """Has no state."""

    def __init__(self, reads: Reads, packs: Packs, rows: RuleTable) -> None:
        self._reads, self._packs, self._rows = reads, packs, rows

    async def number_settings(
        self, log: Log, epoch: str, video_id: str, said: VideoRules, deadline: float
    ) -> Numbered:
        """The entry of settings (and filters) that are stored as `said`.

        Raises StoreUnavailable, TimeoutError after the deadline; as do the others.
        """
        assert said.settings_since is not None

        def encode(seq: int) -> bytes:
            return encode_settings(epoch, video_id, seq, said.rules.settings, said.settings_at)

        pending = _Pending(said.settings_since, encode)
        done = await self._number(log, video_id, pending, deadline)
        await self._note(video_id, VIDEO, partial(_with_settings, said=said, number=done.number))
        return done

    async def number_sanction(
        self, log: Log, epoch: str, video_id: str, said: SaidOfAuthor, deadline: float
    ) -> Numbered:
        """The entry of what was stored of an author."""
        assert said.since is not None
        sanction = said.sanction

        def encode(seq: int) -> bytes:
            return encode_sanctioned(epoch, video_id, seq, sanction.words, sanction.at)

        done = await self._number(log, video_id, _Pending(said.since, encode), deadline)
        noted = SaidOfAuthor(msgspec.structs.replace(sanction, notice=done.number))
        author_id = sanction.author_id
        await self._note(
            video_id,
            author_id,
            lambda rows: noted if rows.authors.get(author_id) == said else None,
        )
        return done

    async def number_pin(
        self, log: Log, epoch: str, video_id: str, said: VideoRules, deadline: float
    ) -> Numbered | None:
        """The entry of a pin. None if its comment was removed meanwhile: then the pin before counts
        again.

        Against a removal at the same time: the comment is looked at after a head is known, and the
        entry is stored under that head. A removal hides the comment, then searches the log up to a
        head, and numbers its notice under that one. If the pin's entry is the lower one of the two,
        it lies in what the removal searched, from the number that was noted in `repeats` or from
        the removal's own first head, and gives way to a tombstone. If it would be the higher one,
        its head was known after the notice was numbered, so its comment is seen removed.
        """
        assert said.pin_since is not None
        seq, searched = said.rules.pin, said.pin_since
        for losses in count(1):
            head = await log.head(video_id)
            comment = (await self._packs.fetch(video_id, [seq])).raws.get(seq) if seq else None
            if seq and (comment is None or not is_comment(comment)):
                await self._note(video_id, VIDEO, partial(_with_pin_before, said=said))
                return None
            comment = restamp(comment, epoch.encode()) if comment else None
            pending = _Pending(
                searched,
                lambda number, comment=comment: encode_pinned(  # type: ignore[misc]
                    epoch, video_id, number, comment, said.pin_at
                ),
            )
            done = await self._attempt(log, video_id, pending, head, deadline)
            if done is not None:
                await self._note(video_id, VIDEO, partial(_with_pin, said=said, number=done.number))
                return done
            searched = max(searched, head)
            await log.pause_after_loss(video_id, losses, deadline)
        raise AssertionError("count does not end")

    async def _number(
        self, log: Log, video_id: str, pending: _Pending, deadline: float
    ) -> Numbered:
        for losses in count(1):
            head = await log.head(video_id)
            done = await self._attempt(log, video_id, pending, head, deadline)
            if done is not None:
                return done
            pending = pending._replace(since=max(head, pending.since))
            await log.pause_after_loss(video_id, losses, deadline)
        raise AssertionError("count does not end")

    async def _attempt(
        self, log: Log, video_id: str, pending: _Pending, head: int, deadline: float
    ) -> Numbered | None:
        """Search the log up to `head`, and number the entry after it. None if somebody else has
        moved the head.
        """
        searched = pending.since
        epoch = pending.encode(1)[7:19]
        while searched < head:
            first, raws, searched = await self._reads.fetch_stretch(video_id, searched, head)
            for seq, raw in enumerate(raws, first):
                if not is_comment(raw) and restamp(raw, epoch) == pending.encode(seq):
                    return Numbered(seq, raw, new=False)
        raw = pending.encode(head + 1)
        if await log.append_entry(video_id, head, raw, deadline):
            return Numbered(head + 1, raw, new=True)
        return None

    async def _note(
        self,
        video_id: str,
        part: str,
        change: Callable[[RuleRows], VideoRules | SaidOfAuthor | None],
    ) -> None:
        """That a part is numbered, if `change` finds it as it was; without it, whoever comes next
        looks for the entry in the log.
        """
        authors = [] if part == VIDEO else [part]
        with suppress(StoreUnavailable):
            for _ in range(_NOTE_ATTEMPTS):
                rows = await self._rows.fetch(video_id, authors, serial=True)
                noted = change(rows)
                if noted is None or await self._rows.write(video_id, [rows.change(part, noted)]):
                    return


def _with_settings(rows: RuleRows, said: VideoRules, number: int) -> VideoRules | None:
    video = rows.video
    if (video.settings_since, video.rules.version, video.rules.filters) != (
        said.settings_since,
        said.rules.version,
        said.rules.filters,
    ):
        return None
    rules = msgspec.structs.replace(video.rules, settings_notice=number)
    return msgspec.structs.replace(video, rules=rules, settings_since=None)


def _with_pin(rows: RuleRows, said: VideoRules, number: int) -> VideoRules | None:
    video = rows.video
    if not _same_pin(video, said):
        return None
    rules = msgspec.structs.replace(video.rules, pin_notice=number)
    return msgspec.structs.replace(video, rules=rules, pin_since=None, pin_before=(0, 0))


def _with_pin_before(rows: RuleRows, said: VideoRules) -> VideoRules | None:
    video = rows.video
    if not _same_pin(video, said):
        return None
    pin, notice = video.pin_before
    rules = msgspec.structs.replace(video.rules, pin=pin, pin_notice=notice)
    return msgspec.structs.replace(video, rules=rules, pin_since=None, pin_before=(0, 0))


def _same_pin(one: VideoRules, other: VideoRules) -> bool:
    return (one.pin_since, one.rules.pin, one.pin_at) == (
        other.pin_since,
        other.rules.pin,
        other.pin_at,
    )
