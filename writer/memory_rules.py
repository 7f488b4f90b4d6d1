"""The rules of videos in memory, for the fake store of tests."""

from __future__ import annotations

import time
from collections.abc import Callable

from wire.comment import NewComment
from wire.testing import MemoryComments
from writer.deciding import Decider
from writer.ruler import RuledVideo, Ruler
from writer.rules import NO_RULES, Refusal, Ruled, Rules, Ruling, Sanction


class MemoryRules:
    """Rules, sanctions and used slots, by video; what is said is an entry of `comments`."""

    def __init__(self, comments: MemoryComments, now: Callable[[], float] = time.time) -> None:
        self.comments, self._now = comments, now
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
        return Ruler(_MemoryVideo(self, video_id), created_at, self._now()).rule(ruling)


class _MemoryVideo(RuledVideo):
    def __init__(self, rulebook: MemoryRules, video_id: str) -> None:
        self._rulebook, self._comments = rulebook, rulebook.comments
        self.epoch, self.video_id = self._comments.epoch, video_id

    def find_rules(self) -> Rules:
        return self._rulebook.rules.get(self.video_id, NO_RULES)

    def write_rules(self, rules: Rules) -> None:
        self._rulebook.rules[self.video_id] = rules

    def find_filters(self) -> bytes:
        return self._rulebook.filters.get(self.video_id, b"")

    def write_filters(self, version: int, body: bytes) -> None:
        self._rulebook.filters[self.video_id] = body

    def find_sanction(self, author_id: str) -> Sanction | None:
        return self._rulebook.sanctions.get((self.video_id, author_id))

    def write_sanction(self, said: Sanction) -> None:
        self._rulebook.sanctions[self.video_id, said.author_id] = said

    def find_head(self) -> int:
        return self._comments.head(self.video_id)

    def find_entry(self, number: int) -> bytes | None:
        there = number <= self.find_head()
        return self._comments.find_raw(self.video_id, number) if there else None

    def append(self, number: int, raw: bytes) -> None:
        self._comments.say(self.video_id, lambda *_: raw)

    def note_repeated(self, seq: int, number: int) -> None:
        self._comments.repeated.setdefault((self.video_id, seq), []).append(number)
