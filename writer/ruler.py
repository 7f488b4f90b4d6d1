"""Changing the rules of a video where rules and log change together: in one transaction, or in
memory. Stores that cannot do that have steps instead, see `writer.stepwise.ruling`.

Invariant: what raises has written nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import msgspec

from wire.entry import is_comment
from wire.errors import NotFound
from wire.rulings import encode_pinned, encode_sanctioned, encode_settings
from writer.rules import (
    NewFilters,
    NewPin,
    NewSanction,
    Ruled,
    Rules,
    Ruling,
    Sanction,
    SettingsChange,
    plan_filters,
    plan_sanction,
    plan_settings,
)


class RuledVideo(ABC):
    """What a ruler reads and writes of one video, or of all (`video_id` "", which has no log)."""

    epoch: str
    video_id: str

    @abstractmethod
    def find_rules(self) -> Rules:
        """As they are now."""

    @abstractmethod
    def write_rules(self, rules: Rules) -> None:
        """These are the rules from now on."""

    @abstractmethod
    def find_filters(self) -> bytes:
        """Their body, b"" if there never were any."""

    @abstractmethod
    def write_filters(self, version: int, body: bytes) -> None:
        """Screen by these from now on."""

    @abstractmethod
    def find_sanction(self, author_id: str) -> Sanction | None:
        """What is said of an author, None if nothing ever was."""

    @abstractmethod
    def write_sanction(self, said: Sanction) -> None:
        """This is said of its author from now on."""

    @abstractmethod
    def find_head(self) -> int:
        """The newest number of the log."""

    @abstractmethod
    def find_entry(self, number: int) -> bytes | None:
        """An entry of the log, None if it is not there."""

    @abstractmethod
    def append(self, number: int, raw: bytes) -> None:
        """Store an entry as the newest one."""

    @abstractmethod
    def note_repeated(self, seq: int, number: int) -> None:
        """This entry has the text of that comment too."""


class Ruler:
    """Of one video, for one ruling. now_s: wall clock; created_at: the same, as entries have it."""

    def __init__(self, video: RuledVideo, created_at: str, now_s: float) -> None:
        self._video, self._created_at, self._now_s = video, created_at, now_s

    def rule(self, ruling: Ruling) -> Ruled:
        """As CommentStore.rule. Raises CallerError."""
        rules = self._video.find_rules()
        match ruling:
            case SettingsChange():
                return self._set(rules, plan_settings(rules, ruling))
            case NewFilters():
                planned = plan_filters(rules, self._video.find_filters(), ruling)
                if planned is not None:
                    self._video.write_filters(planned.filters, ruling.body)
                return self._set(rules, planned)
            case NewSanction():
                return self._sanction(rules, ruling)
            case NewPin():
                return self._pin(rules, ruling.seq or 0)

    def _set(self, rules: Rules, planned: Rules | None) -> Ruled:
        if planned is None:
            return self._said_before(rules, rules.settings_notice)
        number, video = self._next(), self._video
        planned = msgspec.structs.replace(planned, settings_notice=number)
        said = (number, planned.settings, self._created_at)
        return self._say(number, encode_settings(video.epoch, video.video_id, *said), planned)

    def _sanction(self, rules: Rules, new: NewSanction) -> Ruled:
        video = self._video
        before = video.find_sanction(new.author_id)
        if not plan_sanction(rules, before, new, int(self._now_s * 1000)):
            found = self._said_before(rules, before.notice if before else 0)
            return msgspec.structs.replace(found, sanction=before)
        planned = msgspec.structs.replace(rules, sanctions=True)
        number = self._next() if video.video_id else 0
        said = new.at(self._created_at, number)
        video.write_sanction(said)
        if not number:  # of all videos: the version says that something is to be read again
            planned = msgspec.structs.replace(planned, version=rules.version + 1)
            video.write_rules(planned)
            return Ruled(True, (), planned, said)
        words = (number, said.words, self._created_at)
        raw = encode_sanctioned(video.epoch, video.video_id, *words)
        return msgspec.structs.replace(self._say(number, raw, planned), sanction=said)

    def _pin(self, rules: Rules, seq: int) -> Ruled:
        video = self._video
        comment = video.find_entry(seq) if seq else None
        if seq and (comment is None or not is_comment(comment)):
            raise NotFound(f"no such comment: {seq}")
        if seq == rules.pin:
            return self._said_before(rules, rules.pin_notice)
        number = self._next()
        planned = msgspec.structs.replace(rules, pin=seq, pin_notice=number)
        said = (number, comment, self._created_at)
        ruled = self._say(number, encode_pinned(video.epoch, video.video_id, *said), planned)
        if seq:
            video.note_repeated(seq, number)
        return ruled

    def _say(self, number: int, raw: bytes, planned: Rules) -> Ruled:
        self._video.write_rules(planned)
        self._video.append(number, raw)
        return Ruled(True, ((number, raw),), planned)

    def _said_before(self, rules: Rules, number: int) -> Ruled:
        entry = self._video.find_entry(number) if number else None
        return Ruled(False, ((number, entry),) if entry is not None else (), rules)

    def _next(self) -> int:
        return self._video.find_head() + 1
