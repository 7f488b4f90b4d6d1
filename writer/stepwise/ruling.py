"""Changing the rules of a video.

A ruling has steps, each under its own condition: the row is written; the entry is numbered; its
number is noted in the row. Whoever dies in between has told nobody, and the same call again, on any
writer, goes on where it ended; so does whoever else meets the row: see PendingEntries.

Invariants: the row is stored for certain before its entry is numbered (see RulesAsOf); the
head that is kept with it was read after the row was seen with the entry of the state before.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import msgspec

from service.failpoints import Failpoint, reach
from wire.entry import is_comment, restamp
from wire.errors import NotFound, StoreUnavailable
from writer.rules import (
    NewFilters,
    NewPin,
    NewSanction,
    Ruled,
    Rules,
    Ruling,
    SettingsChange,
    plan_filters,
    plan_sanction,
    plan_settings,
)
from writer.stepwise.pausing import SETTLE_WITHIN_S, pause
from writer.stepwise.pending import Numbered, PendingEntries
from writer.stepwise.ports import Log, Packs, Repeats, RuleTable
from writer.stepwise.rule_rows import (
    FILTERS,
    NO_ROW,
    VIDEO,
    Change,
    RuleRows,
    SaidOfAuthor,
    VideoRules,
)

_UNKNOWN = "commit outcome unknown; send the same call again"


@dataclass(slots=True)
class _Call:
    """One call of `rule`. done: the entry that it has numbered, or found."""

    epoch: str
    video_id: str
    created_at: str
    deadline: float
    done: Numbered | None = None


class RulingSteps:
    """Has no state of its own."""

    def __init__(
        self,
        append: Log,
        packs: Packs,
        rows: RuleTable,
        repeats: Repeats,
        pending: PendingEntries,
    ) -> None:
        self._append, self._packs = append, packs
        self._rows, self._repeats, self._pending = rows, repeats, pending

    async def rule(self, epoch: str, video_id: str, ruling: Ruling, created_at: str) -> Ruled:
        """As CommentStore.rule."""
        call = _Call(epoch, video_id, created_at, time.monotonic() + SETTLE_WITHIN_S)
        try:
            async with asyncio.timeout(SETTLE_WITHIN_S):
                for attempt in count(1):
                    ruled = await self._rule(call, ruling)
                    if ruled is not None:
                        return ruled
                    await pause(attempt, call.deadline)
        except TimeoutError as exc:
            raise StoreUnavailable(_UNKNOWN) from exc
        raise AssertionError("count does not end")

    async def touch(self, video_id: str) -> None:
        """Move the version of a video's rules. Raises StoreUnavailable."""
        await self._change(
            video_id,
            lambda rules: msgspec.structs.replace(rules, version=rules.version + 1),
        )

    async def forget_staff(self, author_id: str, video_id: str) -> None:
        """Drop an author's name. Raises StoreUnavailable."""
        await self._change(
            video_id,
            lambda rules: msgspec.structs.replace(
                rules, staff=tuple(one for one in rules.staff if one.author_id != author_id)
            ),
        )

    async def _rule(self, call: _Call, ruling: Ruling) -> Ruled | None:
        """None if it has to be begun again."""
        match ruling:
            case SettingsChange():
                return await self._set(call, ruling)
            case NewFilters():
                return await self._filter(call, ruling)
            case NewSanction():
                return await self._sanction(call, ruling)
            case NewPin():
                return await self._pin(call, ruling.seq or 0)

    # Settings, and filters: their version is in the same row

    async def _set(self, call: _Call, change: SettingsChange) -> Ruled | None:
        rows = await self._rows.fetch(call.video_id, serial=True)
        if rows.video.settings_since is not None:
            await self._number_settings(call, rows.video)
            return None
        planned = plan_settings(rows.video.rules, change)
        if planned is None:
            return await self._said_before(call, rows, rows.video.rules.settings_notice)
        return await self._say_settings(call, rows, planned, [])

    async def _filter(self, call: _Call, new: NewFilters) -> Ruled | None:
        rows = await self._rows.fetch(call.video_id, [FILTERS], serial=True)
        if rows.video.settings_since is not None:
            await self._number_settings(call, rows.video)
            return None
        planned = plan_filters(rows.video.rules, rows.rows.get(FILTERS, NO_ROW).body, new)
        if planned is None:
            return await self._said_before(call, rows, rows.video.rules.settings_notice)
        return await self._say_settings(call, rows, planned, [rows.change(FILTERS, new.body)])

    async def _say_settings(
        self, call: _Call, rows: RuleRows, planned: Rules, more: list[Change]
    ) -> Ruled | None:
        said = msgspec.structs.replace(
            rows.video,
            rules=msgspec.structs.replace(planned, settings_notice=0),
            settings_since=await self._append.fresh_head(call.video_id),
            settings_at=call.created_at,
        )
        if not await self._rows.write(call.video_id, [rows.change(VIDEO, said), *more]):
            return None
        reach(Failpoint.WRITER_RULED)
        number = await self._number_settings(call, said)
        return _said_now(call, msgspec.structs.replace(planned, settings_notice=number))

    async def _number_settings(self, call: _Call, said: VideoRules) -> int:
        call.done = await self._pending.number_settings(
            self._append, call.epoch, call.video_id, said, call.deadline
        )
        return call.done.number

    # Sanctions

    async def _sanction(self, call: _Call, new: NewSanction) -> Ruled | None:
        rows = await self._rows.fetch(call.video_id, [new.author_id], serial=True)
        said = rows.authors.get(new.author_id)
        if said is not None and said.since is not None:
            await self._number_sanction(call, said)
            return None
        before = None if said is None else said.sanction
        if not plan_sanction(rows.video.rules, before, new, int(time.time() * 1000)):
            ruled = await self._said_before(call, rows, before.notice if before else 0)
            return msgspec.structs.replace(ruled, sanction=before)
        since = await self._append.fresh_head(call.video_id) if call.video_id else None
        said = SaidOfAuthor(new.at(call.created_at, 0), since)
        changes, rules = [rows.change(new.author_id, said)], _with_sanctions(call, rows)
        if rules != rows.video.rules:
            video = msgspec.structs.replace(rows.video, rules=rules)
            changes.append(rows.change(VIDEO, video))
        if not await self._rows.write(call.video_id, changes):
            return None
        reach(Failpoint.WRITER_RULED)
        if since is None:
            return Ruled(True, (), rules, said.sanction)
        number = await self._number_sanction(call, said)
        return msgspec.structs.replace(
            _said_now(call, rules), sanction=new.at(call.created_at, number)
        )

    async def _number_sanction(self, call: _Call, said: SaidOfAuthor) -> int:
        call.done = await self._pending.number_sanction(
            self._append, call.epoch, call.video_id, said, call.deadline
        )
        return call.done.number

    # Pins

    async def _pin(self, call: _Call, seq: int) -> Ruled | None:
        rows = await self._rows.fetch(call.video_id, serial=True)
        if rows.video.pin_since is not None:
            call.done = await self._pending.number_pin(
                self._append, call.epoch, call.video_id, rows.video, call.deadline
            )
            return None
        comment = (await self._packs.fetch(call.video_id, [seq])).raws.get(seq) if seq else None
        if seq and (comment is None or not is_comment(comment)):
            raise NotFound(f"no such comment: {seq}")
        rules = rows.video.rules
        if seq == rules.pin:
            return await self._said_before(call, rows, rules.pin_notice)
        since = await self._append.fresh_head(call.video_id)
        if seq:
            await self._repeats.note(call.video_id, seq, since)
        said = msgspec.structs.replace(
            rows.video,
            rules=msgspec.structs.replace(rules, pin=seq, pin_notice=0),
            pin_since=since,
            pin_at=call.created_at,
            pin_before=(rules.pin, rules.pin_notice),
        )
        if not await self._rows.write(call.video_id, [rows.change(VIDEO, said)]):
            return None
        reach(Failpoint.WRITER_RULED)
        call.done = await self._pending.number_pin(
            self._append, call.epoch, call.video_id, said, call.deadline
        )
        if call.done is None:
            return None  # to find that there is no such comment
        return _said_now(call, msgspec.structs.replace(said.rules, pin_notice=call.done.number))

    async def _said_before(self, call: _Call, rows: RuleRows, number: int) -> Ruled:
        found = (await self._packs.fetch(call.video_id, [number])).raws if number else {}
        notices = tuple((seq, restamp(raw, call.epoch.encode())) for seq, raw in found.items())
        done = call.done
        new = done is not None and done.new and done.number == number
        return Ruled(new, notices, rows.video.rules)

    async def _change(self, video_id: str, change: Callable[[Rules], Rules]) -> None:
        deadline = time.monotonic() + SETTLE_WITHIN_S
        try:
            async with asyncio.timeout(SETTLE_WITHIN_S):
                for attempt in count(1):
                    rows = await self._rows.fetch(video_id, serial=True)
                    rules = change(rows.video.rules)
                    if rules == rows.video.rules:
                        return
                    said = msgspec.structs.replace(rows.video, rules=rules)
                    if await self._rows.write(video_id, [rows.change(VIDEO, said)]):
                        return
                    await pause(attempt, deadline)
        except TimeoutError as exc:
            raise StoreUnavailable(_UNKNOWN) from exc


def _with_sanctions(call: _Call, rows: RuleRows) -> Rules:
    """Those of every video have a version, which says that something is to be read again."""
    rules = msgspec.structs.replace(rows.video.rules, sanctions=True)
    if call.video_id:
        return rules
    return msgspec.structs.replace(rules, version=rules.version + 1)


def _said_now(call: _Call, rules: Rules) -> Ruled:
    assert call.done is not None
    return Ruled(call.done.new, ((call.done.number, call.done.raw),), rules)
