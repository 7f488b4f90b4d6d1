"""Literals and words: found in a text's normal form, all of them at once."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import re2

_NO_LETTER = r"[^\pL\pN\pM]"
_LEFT, _RIGHT = rf"(?:^|{_NO_LETTER})", rf"(?:{_NO_LETTER}|$)"


class Needle(NamedTuple):
    """A literal or word in normal form. left, right: no letter, digit or mark may be beside it."""

    text: str
    left: bool = False
    right: bool = False

    def is_in(self, text: str) -> bool:
        """Whether a text in normal form has it; the same as `alternatives` of it says."""
        at = text.find(self.text)
        while at >= 0:
            end = at + len(self.text)
            if not (self.left and _is_letter(text[at - 1 : at])) and not (
                self.right and _is_letter(text[end : end + 1])
            ):
                return True
            at = text.find(self.text, at + 1)
        return False


def word(text: str) -> Needle:
    """A whole word, or several. At an end that is no letter ("c++") anything may follow."""
    return Needle(text, _is_letter(text[:1]), _is_letter(text[-1:]))


def alternatives(needles: Iterable[Needle]) -> str:
    """One pattern for any of them. What may be beside them stands there once, not for each: these
    classes of characters are by far the largest part of it.
    """
    groups: dict[tuple[bool, bool], set[str]] = defaultdict(set)
    for needle in needles:
        groups[needle.left, needle.right].add(re2.escape(needle.text))
    branches = [
        f"{_LEFT if left else ''}(?:{'|'.join(sorted(texts))}){_RIGHT if right else ''}"
        for (left, right), texts in sorted(groups.items())
    ]
    return f"(?-i:{'|'.join(branches)})"


def _is_letter(char: str) -> bool:
    return bool(char) and unicodedata.category(char)[0] in "LNM"
