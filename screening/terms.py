"""Terms of a filter: what a moderator may send, and how it is stored.

    {"terms": [{"term": "...", "kind": "word", "action": "block"}, ...]}

`kind` may be left out. Only what is wrong with a term itself is found here; whether patterns
compile, and whether all of it fits into memory, in `screening.filters`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from wire.errors import InvalidField
from wire.json_text import one_line, parse_object, printable, read_text

MAX_TERMS = 1000
MAX_TERM = 200  # code points
MAX_TRIED = 16 * 1024  # code points of a text to try filters on
MAX_FILTERS_BYTES = 256 * 1024  # of a body

_FIELDS = ("term", "kind", "action")


class Kind(StrEnum):
    """How a term is found: anywhere, as a whole word, or as a regular expression."""

    WORD = "word"
    LITERAL = "literal"
    PATTERN = "pattern"


class Action(StrEnum):
    """What becomes of a comment with the term. The first one wins."""

    BLOCK = "block"
    HOLD = "hold"


class Term(msgspec.Struct, frozen=True):
    """What is looked for, how, and what follows. `term` is as it was sent, but trimmed."""

    term: str
    kind: Kind
    action: Action


class _Stored(msgspec.Struct):
    terms: tuple[Term, ...]


def parse_terms(body: bytes) -> tuple[Term, ...]:
    """The terms of a body, in its order. Raises NotJson, or InvalidField, which names a bad term by
    its index.
    """
    terms = parse_object(body, ("terms",)).get("terms")
    if not isinstance(terms, list) or len(terms) > MAX_TERMS:
        raise InvalidField("terms", f"must be a list of at most {MAX_TERMS} terms")
    return tuple(_term(index, value) for index, value in enumerate(terms))


def encode_terms(terms: tuple[Term, ...]) -> bytes:
    """The canonical body of these terms: the same for the same terms, and read by `parse_terms`."""
    return one_line(msgspec.json.encode(_Stored(terms)))


def refuse(index: int, reason: str, field: str = "term") -> InvalidField:
    """The error for one of the terms."""
    return InvalidField(f"terms[{index}].{field}", reason)


def _term(index: int, value: Any) -> Term:
    if not isinstance(value, dict):
        raise InvalidField(f"terms[{index}]", "must be an object")
    for name in value:
        if name not in _FIELDS:
            raise refuse(index, "unknown field", printable(name))
    try:
        text = read_text(value, "term", MAX_TERM)
    except InvalidField as exc:
        raise refuse(index, exc.detail.removeprefix(f"{exc.field}: ")) from exc
    return Term(
        text,
        _choice(index, "kind", value.get("kind", Kind.WORD), Kind),
        _choice(index, "action", value.get("action"), Action),
    )


_E = TypeVar("_E", bound=StrEnum)


def _choice(index: int, name: str, value: Any, choices: type[_E]) -> _E:
    if isinstance(value, str) and value in set(choices):
        return choices(value)
    raise refuse(index, f"must be one of {', '.join(choices)}", name)
