"""Regular expressions that take linear time on any text: google-re2.

All are in sets (RE2::Set): one call says which of them match, and no position is worked out. A set
has only its DFA, so re2 compiles none that its memory would not suffice for.
"""

from __future__ import annotations

from collections.abc import Sequence

import re2

_NOTHING: tuple[int, ...] = ()


class PatternSet:
    """Some patterns, case-insensitive. max_bytes: of memory, for the programs and what is cached
    while they run. Raises PatternTooLarge if that is not enough, or ValueError for a bad pattern.
    """

    def __init__(self, patterns: Sequence[str], max_bytes: int) -> None:
        self._set = re2.Set.SearchSet(options(max_bytes)) if patterns else None
        if self._set is None:
            return
        try:
            for pattern in patterns:
                self._set.Add(pattern)
        except re2.error as exc:
            raise ValueError("a pattern is not valid") from exc
        try:
            self._set.Compile()
        except re2.error as exc:
            raise PatternTooLarge from exc

    def matches(self, text: str) -> Sequence[int]:
        """Indexes of the patterns that match somewhere in the text, in no order."""
        return (self._set and self._set.Match(text)) or _NOTHING


class PatternTooLarge(ValueError):
    """The patterns need more memory than they may have."""


def options(max_bytes: int) -> re2.Options:
    """Options of all our patterns: quiet, case-insensitive, without groups."""
    chosen = re2.Options()
    chosen.max_mem = max_bytes
    chosen.log_errors = False
    chosen.case_sensitive = False
    chosen.never_capture = True
    return chosen
