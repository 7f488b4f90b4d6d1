"""Regular expressions that take linear time on any text: google-re2.

All are in sets (RE2::Set): one call says which of them match, and no position is worked out. A set
has only its DFA, and without memory for that it would find nothing; so re2 refuses to compile it
then. What the DFA caches is thrown away when the memory is full, and made again.
"""

from __future__ import annotations

from collections.abc import Sequence

import re2

_NOTHING: tuple[int, ...] = ()


class PatternSet:
    """Some patterns, case-insensitive; each must be one that re2 compiles by itself. max_bytes: of
    memory, for the programs and what is cached while they run; 0 afterwards if there are no
    patterns. Raises PatternTooLarge if that is not enough.
    """

    def __init__(self, patterns: Sequence[str], max_bytes: int) -> None:
        self.max_bytes = max_bytes if patterns else 0
        self._set = re2.Set.SearchSet(options(max_bytes)) if patterns else None
        if self._set is None:
            return
        for pattern in patterns:
            self._set.Add(pattern)
        try:
            self._set.Compile()
        except re2.error as exc:
            raise PatternTooLarge from exc

    def matches(self, text: str) -> Sequence[int]:
        """Indexes of the patterns that match somewhere in the text, in no order."""
        return (self._set and self._set.Match(text)) or _NOTHING


class PatternTooLarge(Exception):
    """The patterns need more memory than they may have."""


def options(max_bytes: int) -> re2.Options:
    """Options of all our patterns: quiet, case-insensitive, without groups."""
    chosen = re2.Options()
    chosen.max_mem = max_bytes
    chosen.log_errors = False
    chosen.case_sensitive = False
    chosen.never_capture = True
    return chosen
