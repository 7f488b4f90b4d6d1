"""The rules of videos in memory, for the fake store of tests."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from wire.comment import NewComment
from wire.entry import is_comment
from wire.errors import NotFound
from wire.internal import Batch
from wire.rulings import encode_sanctioned, encode_settings
from wire.testing import MemoryComments
from writer.deciding import Decider
from writer.rules import (
    NO_RULES,
    NewFilters,
    NewPin,
    NewSanction,
    Refusal,
    Ruled,
    Rules,
    Ruling,
    Sanction,
    SettingsChange,
    plan_filters,
    plan_sanction,
    plan_settings,
)


class MemoryRules:
    """Rules, sanctions and used slots, by video; what is said is an entry of `comments`."""

    def __init__(self, comments: MemoryComments, now: Callable[[], float] = time.time) -> None:
        self._comments, self._now = comments, now
        self.rules: dict[str, Rules] = {}
        self.sanctions: dict[tuple[str, str], Sanction] = {}
        self.used: dict[tuple[str, str], int] = {}
        self.filters: dict[str, bytes] = {}

    def refuse(self, video_id: str, comment: NewComment) -> Refusal | None:
        """Why it may not be stored; None: it is stored now."""
        decider = Decider(
            int(self._now() * 1000),
            self.rules.get(video_id, NO_RULES),
            lambda author_id: self.sanctions.get((video_id, author_id)),
            lambda slots: {s: self.used[video_id, s] for s in slots if (video_id, s) in self.used},
        )
        refusal = decider.refuse(comment)
        self.used |= {(video_id, slot): decider.now_ms for slot in decider.taken}
        if refusal is None:
            self.rules[video_id] = decider.rules
        return refusal

    def list_sanctions(self, video_id: str, limit: int, after: str) -> list[Sanction]:
        """As CommentStore.sanctions."""
        said = sorted(
            (author_id, one) for (of, author_id), one in self.sanctions.items() if of == video_id
        )
        return [one for author_id, one in said if author_id > after and one.until_ms is not None][
            :limit
        ]

    def rule(self, video_id: str, ruling: Ruling, created_at: str) -> Ruled:
        """As CommentStore.rule."""
        rules = self.rules.get(video_id, NO_RULES)
        match ruling:
            case SettingsChange():
                return self._say_settings(video_id, rules, plan_settings(rules, ruling), created_at)
            case NewFilters():
                planned = plan_filters(rules, self.filters.get(video_id, b""), ruling)
                self.filters[video_id] = ruling.body
                return self._say_settings(video_id, rules, planned, created_at)
            case NewSanction():
                return self._sanction(video_id, rules, ruling, created_at)
            case NewPin():
                return self._pin(video_id, rules, ruling.seq, created_at)

    def _say_settings(
        self, video_id: str, rules: Rules, planned: Rules | None, created_at: str
    ) -> Ruled:
        if planned is None:
            return self._said_before(video_id, rules, rules.settings_notice)
        settings = planned.settings
        batch = self._comments.say(
            video_id, lambda epoch, of, seq: encode_settings(epoch, of, seq, settings, created_at)
        )
        planned = msgspec.structs.replace(planned, settings_notice=batch.first_seq)
        return self._said_now(video_id, batch, planned)

    def _sanction(self, video_id: str, rules: Rules, new: NewSanction, created_at: str) -> Ruled:
        before = self.sanctions.get((video_id, new.author_id))
        if not plan_sanction(rules, before, new, int(self._now() * 1000)):
            found = self._said_before(video_id, rules, before.notice if before else 0)
            return msgspec.structs.replace(found, sanction=before)
        said = new.at(created_at, 0)
        planned = msgspec.structs.replace(rules, sanctions=True)
        if not video_id:
            planned = msgspec.structs.replace(planned, version=rules.version + 1)
            self.sanctions[video_id, new.author_id] = said
            self.rules[video_id] = planned
            return Ruled(True, (), planned, said)
        batch = self._comments.say(
            video_id,
            lambda epoch, of, seq: encode_sanctioned(epoch, of, seq, said.words, created_at),
        )
        numbered = self.sanctions[video_id, new.author_id] = new.at(created_at, batch.first_seq)
        return msgspec.structs.replace(self._said_now(video_id, batch, planned), sanction=numbered)

    def _pin(self, video_id: str, rules: Rules, seq: int | None, created_at: str) -> Ruled:
        head = self._comments.head(video_id)
        if seq and not (seq <= head and is_comment(self._comments.find_raw(video_id, seq))):
            raise NotFound(f"no such comment: {seq}")
        if (seq or 0) == rules.pin:
            return self._said_before(video_id, rules, rules.pin_notice)
        batch = self._comments.pin(video_id, seq, created_at)
        planned = msgspec.structs.replace(rules, pin=seq or 0, pin_notice=batch.first_seq)
        return self._said_now(video_id, batch, planned)

    def _said_now(self, video_id: str, batch: Batch, planned: Rules) -> Ruled:
        self.rules[video_id] = planned
        return Ruled(True, ((batch.first_seq, bytes(batch.comments[0])),), planned)

    def _said_before(self, video_id: str, rules: Rules, number: int) -> Ruled:
        notices = ((number, self._comments.find_raw(video_id, number)),) if number else ()
        return Ruled(False, notices, rules)
