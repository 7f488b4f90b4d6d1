"""Deciding the comments of one group: the order of the rules, the same on every store.

Invariant: comments are decided in the order in which they are numbered; what one uses up counts for
the next one. What was used up, and whose name is reserved now, must be stored with the group, or
the group not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from identity.roles import Rank
from wire.comment import NewComment
from writer.rules import NO_RULES, Pace, Refusal, Rules, Sanction, paces, refuse_author

SanctionOf = Callable[[str], Sanction | None]
UsedOf = Callable[[Sequence[str]], Mapping[str, int]]


class Decider:
    """now_ms: wall clock; sanction_of: what is said of an author id; used_of: when slots were used,
    before this group. rules: with the staff among the authors that were let pass; taken: slots
    that this group uses, and how long they stay so, in milliseconds; refused: whether any comment
    was.
    """

    def __init__(self, now_ms: int, rules: Rules, sanction_of: SanctionOf, used_of: UsedOf) -> None:
        self.now_ms, self.rules = now_ms, rules
        self._sanction_of, self._used_of = sanction_of, used_of
        self.taken: dict[str, int] = {}
        self.refused = False

    def refuse(self, comment: NewComment) -> Refusal | None:
        """Why it may not be stored; None: it is stored now."""
        # Nearly all comments, on stores that take tens of thousands a second.
        if self.rules is NO_RULES and comment.rank <= Rank.MEMBER and not comment.screened:
            return None
        said = self._sanction_of(comment.author_id) if comment.author_id else None
        refusal = refuse_author(self.rules, said, comment, self.now_ms)
        refusal = refusal or self._take(paces(self.rules, comment))
        if refusal is not None:
            self.refused = True
        else:
            self.rules = self.rules.with_staff(comment) or self.rules
        return refusal

    def _take(self, wanted: Sequence[Pace]) -> Refusal | None:
        used = self._used_of([pace.slot for pace in wanted]) if wanted else {}
        for pace in wanted:
            used_ms = self.now_ms if pace.slot in self.taken else used.get(pace.slot)
            refusal = pace.refuse(used_ms, self.now_ms)
            if refusal is not None:
                return refusal
        self.taken |= {pace.slot: pace.within_ms for pace in wanted}
        return None
