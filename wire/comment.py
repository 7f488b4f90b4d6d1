"""Comments: what a client may send, what the system stores and shows.

A client sends `author` and `text` and nothing else, so it can never choose a number, an id or a
time, nor say what only a token proves. Both are trimmed of Unicode white space at both ends;
otherwise the code points are kept as they came: no escaping, no normalising. The stored comment is
encoded to JSON once, by the writer, in one line, and those bytes travel unchanged to the viewer's
screen.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from msgspec import UNSET, UnsetType

from wire.errors import InvalidField
from wire.ids import event_id_text
from wire.json_text import one_line, parse_object, read_text

MAX_AUTHOR = 64
MAX_TEXT = 500
MAX_BODY_BYTES = 16 * 1024
MAX_KEY = 128

_FIELDS = {"author": MAX_AUTHOR, "text": MAX_TEXT}


class NewComment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A comment to be stored, already trimmed and checked.

    What its author's token proves, and never the body: `author_id` ("" without a token) and
    `badges`, roles above member. guest: it has no token where tokens are the rule.

    What only the rules look at, and nobody stores: `rank`, what the author is for the video, as
    `identity.roles.Rank`; approved: a moderator has decided that it may be posted; screened: the
    version of the video's filters that let it pass, 0 for none.
    """

    author: str
    text: str
    author_id: str = ""
    badges: tuple[str, ...] = ()
    guest: bool = False
    rank: int = 0
    approved: bool = False
    screened: int = 0


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
    value = parse_object(body, _FIELDS)
    if known_author is not None and "author" not in value:
        return NewComment(known_author, read_text(value, "text", MAX_TEXT))
    author, text = (read_text(value, name, limit) for name, limit in _FIELDS.items())
    new = NewComment(author, text)
    if known_author is not None and author != known_author:
        raise InvalidField("author", "is not the name in the token; leave it out")
    return new


def check_author(name: str) -> str:
    """An author's name, trimmed. Raises InvalidField if no comment could have it."""
    return read_text({"author": name}, "author", MAX_AUTHOR)


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
