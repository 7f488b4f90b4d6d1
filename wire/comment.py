"""Comments: what a client may send, what the system stores and shows.

A client sends `author` and `text` and nothing else, so it can never choose a number, an id or a
time, nor say what only a token proves. Both are trimmed of Unicode white space at both ends;
otherwise the code points are kept as they came: no escaping, no normalising. The stored comment is
encoded to JSON once, by the writer, in one line, and those bytes travel unchanged to the viewer's
screen.
"""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime
from typing import Any, NoReturn

import msgspec
from msgspec import UNSET, UnsetType

from wire.errors import InvalidField, NotJson
from wire.ids import event_id_text

MAX_AUTHOR = 64
MAX_TEXT = 500
MAX_BODY_BYTES = 16 * 1024
MAX_KEY = 128

# The White_Space property of Unicode (PropList.txt). str.strip() without arguments also takes
# U+001C..1F, which are control characters and must be refused, not swallowed.
_WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + "\u2028\u2029\u202f\u205f\u3000"
)
_LINE_SEPARATOR = ("\u2028".encode(), b"\\u2028")
_PARAGRAPH_SEPARATOR = ("\u2029".encode(), b"\\u2029")
_FIELDS = {"author": MAX_AUTHOR, "text": MAX_TEXT}


class NewComment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A comment to be stored, already trimmed and checked.

    What its author's token proves, and never the body: `author_id` ("" without a token) and
    `badges`, roles above member. guest: it has no token where tokens are the rule.
    """

    author: str
    text: str
    author_id: str = ""
    badges: tuple[str, ...] = ()
    guest: bool = False


class Comment(msgspec.Struct, frozen=True):
    """A stored comment, in the field order of its public JSON. What is UNSET is left out there."""

    id: str
    video_id: str
    seq: int
    author: str
    text: str
    created_at: str
    author_id: str | UnsetType = UNSET
    badges: tuple[str, ...] | UnsetType = UNSET
    guest: bool | UnsetType = UNSET


def parse_new_comment(body: bytes, known_author: str | None = None) -> NewComment:
    """Read a client's body. known_author: the author's name if a token proves it, already checked;
    the body may then leave `author` out, but not name another.

    Raises NotJson if it is not one JSON text in UTF-8, InvalidField if it is JSON but not exactly
    an object with a good `author` and `text`.
    """
    # The standard parser, not msgspec: it can show repeated keys and lone surrogates, which are
    # refused.
    try:
        value = _decoder.decode(body.decode("utf-8"))
    except (ValueError, RecursionError) as exc:
        raise NotJson(_reason(exc)) from exc
    if not isinstance(value, dict):
        raise InvalidField("body", "must be an object with author and text")
    for name in value:
        if name not in _FIELDS:
            raise InvalidField(printable(name), "unknown field")
    if known_author is not None and "author" not in value:
        return NewComment(known_author, _check(value, "text", MAX_TEXT))
    author, text = (_check(value, name, limit) for name, limit in _FIELDS.items())
    new = NewComment(author, text)
    if known_author is not None and author != known_author:
        raise InvalidField("author", "is not the name in the token; leave it out")
    return new


def check_author(name: str) -> str:
    """An author's name, trimmed. Raises InvalidField if no comment could have it."""
    return _check({"author": name}, "author", MAX_AUTHOR)


def encode_comment(epoch: str, video_id: str, seq: int, new: NewComment, created_at: str) -> bytes:
    """The public JSON of a stored comment: one line, also for readers that split lines where
    Unicode does (JSON itself escapes only control characters).
    """
    return one_line(
        msgspec.json.encode(
            Comment(
                event_id_text(epoch, seq),
                video_id,
                seq,
                new.author,
                new.text,
                created_at,
                new.author_id or UNSET,
                new.badges or UNSET,
                new.guest or UNSET,
            )
        )
    )


def one_line(raw: bytes) -> bytes:
    """JSON that is one line for JSON itself, as one line for everybody: see encode_comment."""
    if raw.isascii():  # nearly always, and each search would cost more than to see that
        return raw
    return raw.replace(*_LINE_SEPARATOR).replace(*_PARAGRAPH_SEPARATOR)


def timestamp(now_s: float) -> str:
    """A wall-clock time (seconds since 1970) as RFC 3339 in UTC with milliseconds."""
    return (
        datetime.fromtimestamp(now_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def check_idempotency_key(key: str) -> str:
    """`key` itself, if it is 1 to 128 printable ASCII characters; else raises InvalidField."""
    if not (1 <= len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
        raise InvalidField("Idempotency-Key", f"must be 1 to {MAX_KEY} printable ASCII characters")
    return key


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


def _check(value: dict[str, Any], name: str, limit: int) -> str:
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
