"""Filters of a video: terms that keep a comment from being posted, or hold it for a moderator.

Literals and words are compared in normal form, so that no spelling hides them. A word is a term
with no letter, digit or mark right before or after it. Patterns have the syntax of RE2, without
regard to case (`\\w`, `\\d` and `\\b` mean ASCII there), and match the folded text or its normal
form: in the latter alone `\\d{5}` would miss 0 and 1, and a pattern in Cyrillic everything.

Everything takes linear time in the length of a text. What is raised here is for who sent the terms;
who posts is told of no term.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress

import re2

from screening.needles import Needle, alternatives, word
from screening.normal_form import folded, normal_form, skeleton
from screening.patterns import PatternSet, PatternTooLarge, options
from screening.terms import Action, Kind, Term, encode_terms, parse_terms, refuse
from wire.errors import InvalidField

MAX_PATTERN_BYTES = 256 * 1024  # of memory for one pattern: about 2,700 steps of its program
MAX_STEPS = 10_000  # of all patterns together; what one character of a text costs at worst
MAX_REASON = 200  # characters

# Of memory, at most, the first that is enough: what re2 has it fills with its cache in time. 2 MiB
# are enough for 1,000 usual words.
_NEEDLES_BYTES = (2 << 20, 8 << 20, 32 << 20)
_PATTERNS_BYTES = (2 << 20, 8 << 20)
_TERM_BYTES = 2048  # of a term beside that, at most: 200 code points, twice


class Filters:
    """The terms of a video, compiled: 0.1 to 3 MiB, at most 40 MiB. Immutable. terms: as they
    were sent, in that order. max_bytes: of memory that they may take in time, nearly all of it what
    re2 caches.
    """

    def __init__(self, terms: tuple[Term, ...]) -> None:
        """Raises InvalidField for terms that cannot be compiled."""
        self.terms = terms
        self._needles = dict(_needles(terms))
        self._needle_actions = sorted({terms[index].action for index in self._needles})
        self._needle_set = _compiled(
            [
                alternatives(n for i, n in self._needles.items() if terms[i].action is action)
                for action in self._needle_actions
            ],
            _NEEDLES_BYTES,
        )
        self._patterns = [index for index, term in enumerate(terms) if term.kind is Kind.PATTERN]
        self._pattern_set = _compiled(_checked_patterns(terms, self._patterns), _PATTERNS_BYTES)
        sets = self._needle_set.max_bytes + self._pattern_set.max_bytes
        self.max_bytes = sets + len(terms) * _TERM_BYTES

    @classmethod
    def parse(cls, body: bytes) -> Filters:
        """Filters as a moderator sends them, at most MAX_FILTERS_BYTES. Takes some 10 ms for 1,000
        terms. Raises NotJson, InvalidField.
        """
        return cls(parse_terms(body))

    def encode(self) -> bytes:
        """The canonical body of these filters, to be stored, shown and parsed again."""
        return encode_terms(self.terms)

    def screen(self, author: str, text: str) -> Action | None:
        """What becomes of a comment; BLOCK if anything says so. The author's name counts too."""
        found = {action for each in (author, text) for action in self._actions(each)}
        return next((action for action in Action if action in found), None)

    def find(self, text: str) -> list[int]:
        """Indexes of all terms that are in a text. One at a time: for trying filters out."""
        plain = normal_form(text)
        needles = [index for index, needle in self._needles.items() if needle.is_in(plain)]
        return sorted([*needles, *self._matching_patterns(folded(text))])

    def _actions(self, text: str) -> Iterator[Action]:
        plain = folded(text)
        for number in self._needle_set.matches(skeleton(plain)):
            yield self._needle_actions[number]
        for index in self._matching_patterns(plain):
            yield self.terms[index].action

    def _matching_patterns(self, plain: str) -> set[int]:
        if not self._patterns:
            return set()
        matches = (self._pattern_set.matches(each) for each in {plain, skeleton(plain)})
        return {self._patterns[number] for numbers in matches for number in numbers}


def _needles(terms: tuple[Term, ...]) -> Iterator[tuple[int, Needle]]:
    for index, term in enumerate(terms):
        if term.kind is not Kind.PATTERN:
            text = normal_form(term.term)
            if not text:
                raise refuse(index, "has only characters that do not show")
            yield index, word(text) if term.kind is Kind.WORD else Needle(text)


def _checked_patterns(terms: tuple[Term, ...], indexes: list[int]) -> list[str]:
    """These terms as patterns, in NFC as the texts are. Raises InvalidField with what is wrong with
    one: its syntax, or its size.
    """
    patterns = [unicodedata.normalize("NFC", terms[index].term) for index in indexes]
    steps = 0
    for index, pattern in zip(indexes, patterns, strict=True):
        try:
            compiled = re2.compile(pattern, options(MAX_PATTERN_BYTES))
        except re2.error as exc:
            raise refuse(index, f"is no pattern: {_reason(exc)}") from exc
        if compiled.search(""):
            raise refuse(index, "is a pattern that matches an empty text, so it matches any")
        steps += compiled.programsize
        if steps > MAX_STEPS:
            raise refuse(index, "is too large a pattern, together with those before it")
    re2.purge()  # it keeps what it has compiled
    return patterns


def _reason(error: Exception) -> str:
    """What re2 says, which repeats a part of the pattern."""
    (said,) = error.args
    return (said.decode(errors="replace") if isinstance(said, bytes) else str(said))[:MAX_REASON]


def _compiled(patterns: list[str], sizes: Sequence[int]) -> PatternSet:
    for max_bytes in sizes:
        with suppress(PatternTooLarge):
            return PatternSet(patterns, max_bytes)
    raise InvalidField("terms", "are too large together")
