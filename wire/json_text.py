"""JSON as clients send it, read strictly, and JSON as we write it: one line."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from wire.errors import InvalidField, NotJson

# The White_Space property of Unicode (PropList.txt). str.strip() without arguments also takes
# U+001C..1F, which are control characters and must be refused, not swallowed.
_WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + "\u2028\u2029\u202f\u205f\u3000"
)
_LINE_SEPARATOR = ("\u2028".encode(), b"\\u2028")
_PARAGRAPH_SEPARATOR = ("\u2029".encode(), b"\\u2029")


def parse_object(body: bytes, fields: Collection[str]) -> dict[str, Any]:
    """A client's body: an object with no other members than `fields`, each at most once.

    Raises NotJson if it is not one JSON text in UTF-8, InvalidField if it is another one.
    """
    # The standard parser, not msgspec: it can show repeated keys and lone surrogates, which are
    # refused.
    try:
        value = _decoder.decode(body.decode("utf-8"))
    except (ValueError, RecursionError) as exc:
        raise NotJson(_reason(exc)) from exc
    if not isinstance(value, dict):
        raise InvalidField("body", f"must be an object with {' and '.join(fields)}")
    for name in value:
        if name not in fields:
            raise InvalidField(printable(name), "unknown field")
    return value


def one_line(raw: bytes) -> bytes:
    """JSON that is one line for JSON itself, as one line for everybody: see encode_comment."""
    if raw.isascii():  # nearly always, and each search would cost more than to see that
        return raw
    return raw.replace(*_LINE_SEPARATOR).replace(*_PARAGRAPH_SEPARATOR)


def printable(text: str) -> str:
    """A client's string made safe to repeat in an error or a log: escaped and short."""
    return text[:40].encode("unicode_escape").decode()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise InvalidField("body", "a field is given twice")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)


def _reason(exc: Exception) -> str:
    if isinstance(exc, UnicodeDecodeError):
        return "not UTF-8"
    if isinstance(exc, json.JSONDecodeError):
        return f"{exc.msg} at character {exc.pos}"
    return (
        "nested too deep"
        if isinstance(exc, RecursionError)
        else "a number or constant that is not allowed"
    )


def read_text(value: Mapping[str, Any], name: str, limit: int) -> str:
    """A text of 1 to `limit` code points, trimmed. Raises InvalidField, also if it is missing."""
    if name not in value:
        raise InvalidField(name, "is missing")
    text = value[name]
    if not isinstance(text, str):
        raise InvalidField(name, "must be a string")
    text = text.strip(_WHITE_SPACE)
    if not 1 <= len(text) <= limit:
        raise InvalidField(
            name, f"must have 1 to {limit} characters, not counting white space at both ends"
        )
    if not text.isprintable() and any(map(_is_forbidden, text)):
        raise InvalidField(
            name,
            "control characters other than tab and newline, and lone surrogates, are not allowed",
        )
    return text


def _is_forbidden(char: str) -> bool:
    return char not in "\t\n" and unicodedata.category(char) in ("Cc", "Cs")
