"""What a group becomes, and what became of it: decisions without any input or output.

Invariants: a group is numbered from a head that was read; it is stored only if the head is still
that one, all of it at once. An item whose key may or may not be stored already is left out of it. A
group that was sent and not answered is judged by what is stored right after its head, and sent
again only as it was, under the same token: then it does not matter which of the two the server
carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from wire.comment import NewComment
from writer.idempotency import Earlier, body_digest, used_again
from writer.rules import Refusal
from writer.store import Appended, Item, Outcome

Encode = Callable[[int, NewComment, str], bytes]  # seq, comment, created_at -> public JSON
# The same, or why the comment may not be stored.
Accept = Callable[[int, NewComment, str], bytes | Refusal]
Pending = Sequence[tuple[int, Item]]  # an item and its place in the caller's list
# None: whether its key is stored already is unknown; nothing was stored under it.
Result = Appended | None
_BESIDE = 160  # bytes that are stored of a comment beside it and its key, at most: digest, slots


@dataclass(frozen=True, slots=True)
class Known:
    """What a search for keys found: those in `stored` stand for a comment; whether those in
    `unsearched` do is unknown.
    """

    stored: Mapping[str, Earlier] = field(default_factory=dict)
    unsearched: Collection[str] = ()


class Room(NamedTuple):
    """How much a group may hold: comments, and bytes; the last comment may go beyond those."""

    comments: int
    size: int | None = None


@dataclass(slots=True)
class Group:
    """What is to be stored after `head`: the comments and the keys that stand for them.

    slots: slots that are used by it, when, and for how many seconds that matters; results: by
    place, all that is certain once the group is stored (at once if it has no comment). rest: what
    there was no room for, to be tried again after this group.
    """

    head: int
    raws: list[bytes] = field(default_factory=list)
    keys: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # key -> number, digest
    slots: dict[str, tuple[int, int]] = field(default_factory=dict)
    author_ids: set[str] = field(default_factory=set)
    results: dict[int, Result] = field(default_factory=dict)
    rest: Pending = ()

    @property
    def new_head(self) -> int:
        """The head when it is stored."""
        return self.head + len(self.raws)


@dataclass(frozen=True, slots=True)
class Sent:
    """A group on its way, under the token that it is stored with. known_at: when its head was the
    head, as `append.boot_time`.
    """

    video_id: str
    group: Group
    token: bytes
    known_at: float = 0.0


def number(pending: Pending, head: int, room: Room, known: Known, accept: Accept) -> Group:
    """Number items after `head`, as many as there is room for.

    Equal keys within the group fold into one comment. What is stored already is not decided again,
    and what is refused takes neither a number nor its key.
    """
    group, earlier, size = Group(head), dict(known.stored), 0
    for index, (place, item) in enumerate(pending):
        digest = b"" if item.key is None else body_digest(item.comment)
        if item.key is not None and item.key in earlier:
            group.results[place] = used_again(earlier[item.key], digest)
            continue
        if item.key in known.unsearched:
            group.results[place] = None
            continue
        if len(group.raws) == room.comments or (room.size is not None and size >= room.size):
            group.rest = pending[index:]
            break
        seq = group.new_head + 1
        raw = accept(seq, item.comment, item.created_at)
        if isinstance(raw, Refusal):
            group.results[place] = Appended(Outcome.REFUSED, 0, b"", raw)
            continue
        group.raws.append(raw)
        size += len(raw) + len(item.key or "") + _BESIDE
        if item.comment.author_id:
            group.author_ids.add(item.comment.author_id)
        group.results[place] = Appended(Outcome.NEW, seq, raw)
        if item.key is not None:
            earlier[item.key] = Earlier(seq, digest, raw)
            group.keys[item.key] = (seq, digest)
    return group


class Verdict(Enum):
    """What became of a group."""

    STORED = "stored"
    LOST = "lost"  # another writer's group was stored after this head: number it anew
    OPEN = "open"  # not stored yet, but it may be under way: send it again unchanged
    UNKNOWN = "unknown"  # the row that would show it is gone, or this is another store


def judge(expected: int, head: int, mine: bytes, found: bytes | None, *, in_doubt: bool) -> Verdict:
    """What became of the group `mine` that was to be stored after head `expected`.

    head: read at SERIAL, so that nothing under way can hide behind it; found: the token in the row
    that holds number expected + 1, None if there is no such row; in_doubt: whether an attempt to
    store it was not answered. If all were refused, it is lost whatever else is gone.
    """
    if head == expected:
        return Verdict.OPEN
    if head > expected and found is None and not in_doubt:
        return Verdict.LOST
    if head < expected or found is None:
        return Verdict.UNKNOWN
    return Verdict.STORED if found == mine else Verdict.LOST
