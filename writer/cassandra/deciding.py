"""Deciding the comments of one group, without any input or output.

Invariant: decided in the order in which they are numbered, by rules, sanctions and slots that were
read before; what one comment uses up counts for the next one. What was used up, and whose name is
reserved now, must be stored with the group, or the group not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wire.comment import NewComment
from writer.cassandra.group import Encode
from writer.rules import (
    NO_RULES,
    Pace,
    Refusal,
    Rules,
    Sanction,
    paces,
    refuse_by_rules,
    refuse_sanctioned,
)


@dataclass(slots=True)
class Decider:
    """now_ms: wall clock; sanctions: of the group's authors, where there are any; used: slots as
    they were used before. rules: with the staff among the authors that were let pass; taken: slots
    that this group uses, and how long they stay so, in milliseconds; refused: whether any was.
    """

    now_ms: int
    encode: Encode
    rules: Rules = NO_RULES
    sanctions: Mapping[str, Sanction] = field(default_factory=dict)
    used: Mapping[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    refused: bool = False

    def accept(self, seq: int, comment: NewComment, created_at: str) -> bytes | Refusal:
        """The public JSON of a comment that is to be stored, or why it is not."""
        refusal = refuse_by_rules(self.rules, comment)
        if refusal is None and self.sanctions:
            said = self.sanctions.get(comment.author_id)
            refusal = refuse_sanctioned(said, comment, self.now_ms)
        refusal = refusal or self._take(paces(self.rules, comment))
        if refusal is not None:
            self.refused = True
            return refusal
        self.rules = self.rules.with_staff(comment) or self.rules
        return self.encode(seq, comment, created_at)

    def _take(self, wanted: tuple[Pace, ...]) -> Refusal | None:
        for pace in wanted:
            used_ms = self.now_ms if pace.slot in self.taken else self.used.get(pace.slot)
            refusal = pace.refuse(used_ms, self.now_ms)
            if refusal is not None:
                return refusal
        self.taken |= {pace.slot: pace.within_ms for pace in wanted}
        return None
