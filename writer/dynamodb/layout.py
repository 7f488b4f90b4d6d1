"""How a video's log lies in DynamoDB: groups of entries, one item each.

Invariants: a group's item is named by its first number, and a head is always the end of a group. So
whoever numbers from a head that is too low collides with the item that is there. Numbers in names
are padded, so that the order of names is that of numbers.
"""

from __future__ import annotations

import time
import zlib
from typing import NamedTuple

import msgspec

from writer.dynamodb.items import Attributes, Item, b, key, n, number_in, number_of, seq_key, seq_of
from writer.stepwise.group import Sent
from writer.stepwise.lines import unpack

AUTHOR_BUCKET = 20_000  # numbers; what is noted of an author is in which of these
# Of a group's item, about; DynamoDB takes 400 KB, and one more comment and a rewrite may add to it.
MAX_GROUP_BYTES = 256 * 1024
MAX_ITEM_BYTES = 400 * 1024
_COMPRESS_FROM = 1024  # bytes; below that it saves nothing, for DynamoDB counts whole kilobytes
_LEVEL = 1  # comments shrink to a third with it, and higher ones cost more than they save


class Marks(msgspec.Struct, frozen=True, array_like=True):
    """What a group stands for beside its entries. keys: idempotency key -> number, digest of the
    body; slots: slot -> when it was used, in wall-clock milliseconds.
    """

    keys: dict[str, tuple[int, bytes]] = {}
    slots: dict[str, int] = {}


_marks = msgspec.msgpack.Decoder(Marks)


class StoredGroup(NamedTuple):
    """A group as it was read. lines: the entries; version: of its rewrites; expires_s: when it is
    gone, in seconds since 1970, None: never, or that is not known yet.
    """

    first: int
    last: int
    lines: bytes
    token: bytes
    version: int
    marks: Marks
    expires_s: int | None

    @property
    def gone(self) -> bool:
        """Whether retention has taken it, deleted or not."""
        return self.expires_s is not None and self.expires_s <= time.time()

    def raw(self, seq: int) -> bytes:
        """One of its entries."""
        return unpack((self.last, self.lines))[1][seq - self.first]


def log_of(video_id: str) -> str:
    """The partition of a video's log."""
    return f"log|{video_id}"


def log_key(video_id: str, first: int) -> Item:
    """The key of the group that begins with a number."""
    return key(log_of(video_id), seq_key(first))


def group_item(sent: Sent, now_s: float) -> Item:
    """The item of a group that is to be stored."""
    group = sent.group
    marks = Marks(group.keys, {slot: used_ms for slot, (used_ms, _) in group.slots.items()})
    item: Item = {
        **log_key(sent.video_id, group.head + 1),
        "last": n(group.new_head),
        "token": b(sent.token),
        "version": n(0),
        "at": n(int(now_s)),
        **body(b"\n".join(group.raws)),
    }
    if marks.keys or marks.slots:
        item["marks"] = b(msgspec.msgpack.encode(marks))
    return item


def body(lines: bytes) -> Item:
    """The attributes that hold entries: `body`, and `z`, 1 if it is compressed."""
    if len(lines) >= _COMPRESS_FROM:
        small = zlib.compress(lines, _LEVEL)
        if len(small) < len(lines):
            return {"body": b(small), "z": n(1)}
    return {"body": b(lines), "z": n(0)}


def stored_group(item: Attributes) -> StoredGroup:
    """From an item with all its attributes."""
    raw = bytes(item["body"]["B"])
    return StoredGroup(
        first=seq_of(item),
        last=number_of(item["last"]),
        lines=zlib.decompress(raw) if number_of(item["z"]) else raw,
        token=bytes(item["token"]["B"]),
        version=number_of(item["version"]),
        marks=marks_of(item),
        expires_s=number_in(item, "ttl"),
    )


def marks_of(item: Attributes) -> Marks:
    """From an item of which at least these were read."""
    return _marks.decode(item["marks"]["B"]) if "marks" in item else Marks()
