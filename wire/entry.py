"""Entries: what a video's log consists of. A comment is one; the others say what became of earlier
ones, so that every screen learns of it in order, exactly once, on any node.

An entry is one line of public JSON and begins with its `id`. Every entry but a comment has its
`type` next, which is the event's name on the stream; so its kind is known without parsing it.
Whoever does not know a type passes it on.

A removed comment's place is taken by a tombstone, which follows from the comment alone: store and
nodes make the same bytes. It is never an entry of its own, and has the comment's number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec

from wire.ids import EPOCH_LENGTH, MAX_SEQ, event_id_text
from wire.json_text import one_line

MAX_TARGETS = 500

COMMENT, TOMBSTONE = "comment", "tombstone"
_TYPE = re.compile(rb'\{"id":"[a-z0-9]{12}-[0-9]{1,15}","type":"([a-z_]{1,32})"', re.ASCII)
# An id is so long that nothing but a type can be written here, and in no comment is it this text.
_TYPE_NAME, _TYPE_FROM, _TYPE_BEFORE = b'"type":', 22, 46
_BEFORE_EPOCH = b'{"id":"'
_AFTER_EPOCH = len(_BEFORE_EPOCH) + EPOCH_LENGTH
# Quotes in what people write are escaped, so this can only be the member itself.
_INNER = b'"comment":{"id":"'

_Seq = Annotated[int, msgspec.Meta(ge=1, le=MAX_SEQ)]


class RemovedBy(StrEnum):
    """Who removed comments."""

    AUTHOR = "author"
    MODERATOR = "moderator"
    FILTER = "filter"
    ERASURE = "erasure"


class Removed(msgspec.Struct, frozen=True, tag="removed"):
    """The comments `targets` are not shown any more. Fields as in its public JSON, which
    `encode_removed` makes.
    """

    targets: tuple[_Seq, ...]
    by: RemovedBy
    reason: str | None = None


class Restored(msgspec.Struct, frozen=True, tag="restored"):
    """A removed comment is shown again. comment: its public JSON, with its old number."""

    comment: msgspec.Raw


class Pinned(msgspec.Struct, frozen=True, tag="pinned"):
    """A comment is shown above all others, until the next one of these: see `wire.rulings`.
    comment: its public JSON, or null.
    """

    comment: msgspec.Raw


Notice = Removed | Restored | Pinned


_notices: msgspec.json.Decoder[Notice] = msgspec.json.Decoder(Notice)


class _Numbered(msgspec.Struct, frozen=True):
    id: str
    video_id: str
    seq: _Seq
    created_at: str


def entry_type(raw: bytes) -> str:
    """The name of an entry's event; COMMENT for whatever says nothing else."""
    # Not `in`, here and below: that tries whether the text is a number first.
    if raw.find(_TYPE_NAME, _TYPE_FROM, _TYPE_BEFORE) < 0:  # nearly always
        return COMMENT
    match = _TYPE.match(raw)
    return match[1].decode() if match else COMMENT


def is_comment(raw: bytes) -> bool:
    """Whether an entry is a comment that may be shown."""
    return entry_type(raw) == COMMENT


def encode_removed(epoch: str, video_id: str, seq: int, removed: Removed, created_at: str) -> bytes:
    """The public JSON of a `removed` entry."""
    said: dict[str, object] = {"targets": removed.targets, "by": removed.by}
    if removed.reason is not None:
        said["reason"] = removed.reason
    return encode_entry("removed", epoch, video_id, seq, said, created_at)


def encode_restored(epoch: str, video_id: str, seq: int, comment: bytes, created_at: str) -> bytes:
    """The public JSON of a `restored` entry, from that of the comment."""
    return encode_entry(
        "restored", epoch, video_id, seq, {"comment": msgspec.Raw(comment)}, created_at
    )


def decode_notice(raw: bytes) -> Notice | None:
    """What an entry says of earlier comments; None if it says nothing of them, or is malformed."""
    if entry_type(raw) in (COMMENT, TOMBSTONE):
        return None
    try:
        return _notices.decode(raw)
    except msgspec.DecodeError:
        return None


def repeated_seq(notice: Notice | None) -> int | None:
    """The number of the comment whose text an entry has in it, None if it has none."""
    if notice is None or isinstance(notice, Removed) or bytes(notice.comment) == b"null":
        return None
    return decode_seq(bytes(notice.comment))


def decode_seq(comment: bytes) -> int:
    """A comment's number. Raises msgspec.DecodeError for what is none."""
    return msgspec.json.decode(comment, type=_Numbered).seq


def encode_tombstone(comment: bytes) -> bytes:
    """What takes the place of a comment, from its public JSON: its names and numbers, no word of
    it. Raises msgspec.DecodeError for what is no comment.
    """
    kept = msgspec.json.decode(comment, type=_Numbered)
    return msgspec.json.encode(
        {
            "id": kept.id,
            "type": TOMBSTONE,
            "video_id": kept.video_id,
            "seq": kept.seq,
            "created_at": kept.created_at,
        }
    )


def restamp(raw: bytes, epoch: bytes) -> bytes:
    """An entry whose ids are of `epoch`, its own and that of a comment within it.

    A store that got a new epoch, after an older copy was restored, holds entries of the old one.
    The epoch is at a fixed place in the JSON.
    """
    if raw[len(_BEFORE_EPOCH) : _AFTER_EPOCH] == epoch:
        return raw
    inner = raw.find(_INNER)
    if inner >= 0 and not is_comment(raw):
        at = inner + len(_INNER)
        raw = raw[:at] + epoch + raw[at + EPOCH_LENGTH :]
    return raw[: len(_BEFORE_EPOCH)] + epoch + raw[_AFTER_EPOCH:]


def encode_entry(
    name: str, epoch: str, video_id: str, seq: int, said: Mapping[str, object], created_at: str
) -> bytes:
    """The public JSON of an entry that is no comment: `said` between what all of them have."""
    head = {"id": event_id_text(epoch, seq), "type": name, "video_id": video_id, "seq": seq}
    return one_line(msgspec.json.encode({**head, **said, "created_at": created_at}))
