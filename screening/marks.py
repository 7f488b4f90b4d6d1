"""Combining marks: letters of no language have many of them, towers of "zalgo" do."""

from __future__ import annotations

from screening.patterns import PatternSet
from wire.errors import TooManyMarks

MAX_MARKS = 8  # in a row; Hebrew with points and accents and Tibetan stacks stay below

# Characters that do not show (Cf) do not end a row. Spacing marks (Mc) have room of their own.
_TOO_MANY = PatternSet([rf"(?:[\p{{Mn}}\p{{Me}}]\p{{Cf}}*){{{MAX_MARKS + 1}}}"], 1 << 20)


def check_marks(field: str, text: str) -> None:
    """Raises TooManyMarks, which names the field, if a text has over 8 combining marks in a row."""
    if not text.isascii() and _TOO_MANY.matches(text):
        raise TooManyMarks(field)
