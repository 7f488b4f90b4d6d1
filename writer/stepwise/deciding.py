"""Deciding a group by what was read before it is numbered, without any input or output."""

from __future__ import annotations

from collections.abc import Mapping

from wire.comment import NewComment
from writer.deciding import Decider
from writer.rules import NO_RULES, Refusal, Rules, Sanction
from writer.stepwise.group import Encode

_NOTHING: Mapping[str, int] = {}
_NOBODY: Mapping[str, Sanction] = {}


class GroupDecider(Decider):
    """sanctions: of the group's authors, where there are any; used: slots as they were used before.
    See Decider.
    """

    def __init__(
        self,
        now_ms: int,
        encode: Encode,
        rules: Rules = NO_RULES,
        sanctions: Mapping[str, Sanction] = _NOBODY,
        used: Mapping[str, int] = _NOTHING,
    ) -> None:
        super().__init__(now_ms, rules, sanctions.get, lambda _slots: used)
        self._encode = encode

    def accept(self, seq: int, comment: NewComment, created_at: str) -> bytes | Refusal:
        """The public JSON of a comment that is to be stored, or why it is not."""
        return self.refuse(comment) or self._encode(seq, comment, created_at)
