"""The comment store as the writer sees it. Order comes from here and from nowhere else.

What every store promises (tests/contracts/test_store.py runs on each of them):
- a video's numbers are 1, 2, 3 ... with no hole and no repeat, whoever else writes to the same
  store;
- when `append` returns, the comments survive a power cut; when it raises StoreUnavailable they were
  not stored, or the outcome is unknown; the same item with the same key may safely be appended
  again;
- the same key in the same video gives the same comment, for at least 24 hours, on any writer, after
  any crash;
- heads never go back, also when old comments go;
- what `redact` has removed is in no later answer to anybody, and its notice is numbered once;
- what is numbered after the entry of a ruling was decided by it: see `writer.rules`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

import msgspec

from wire.comment import NewComment
from wire.errors import StoreUnavailable
from writer.read_lanes import ReadBounds
from writer.redaction import Redacted, Redaction
from writer.rules import Refusal, Ruled, Rules, Ruling, Sanction

MAX_GROUP = 500


class StoreReplaced(StoreUnavailable):
    """The store is not the one that was opened: its file or its epoch changed, or it vanished. It
    does not heal; the process must end and start anew.
    """


class StoreTooNew(StoreReplaced):
    """A later version of this program has made the store, or brought it forward. found: the version
    of its schema; known: the latest that this program can use.
    """

    def __init__(self, found: int, known: int) -> None:
        super().__init__(
            f"the store has schema version {found}, and this program knows versions up to {known}:"
            " start the later version of livecomments that has used this store, or put back a"
            " backup from before"
        )


class Outcome(Enum):
    """What became of one item of a group."""

    NEW = "new"
    REPLAYED = "replayed"  # the key was used before with the same body: the first one is given
    CONFLICT = "conflict"  # the key was used before with another body: nothing was stored
    REMOVED = "removed"  # the key was used before, and its comment was removed since
    UNDECIDED = "undecided"  # whether it was used is unknown: nothing was stored
    REFUSED = "refused"  # by the video's rules: nothing was stored


# Structs of msgspec: one of each is made for every post, and that costs a seventh of what it does
# with a frozen dataclass. They hold nothing that could refer to them: no work for the collector.
class Item(msgspec.Struct, frozen=True, gc=False):
    """One comment to append; `key` is the client's idempotency key, if it sent one."""

    comment: NewComment
    key: str | None
    created_at: str


class Appended(msgspec.Struct, frozen=True, gc=False):
    """Result for one item. `raw` is the stored comment's public JSON (on REMOVED empty, on
    CONFLICT, UNDECIDED and REFUSED also with seq 0). refusal: why it is REFUSED.
    """

    outcome: Outcome
    seq: int
    raw: bytes
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Consecutive entries of one video's log, oldest first, and what the store held at that moment.
    A removed comment is a tombstone.

    first_seq: number of the first one in `comments` (meaningless when empty);
    oldest: first number still stored, head + 1 when none is; head: newest number, 0 when there
    never was one. Where nothing that was asked for is missing, `oldest` may be up to a second
    behind retention, since nobody needs it then.
    """

    first_seq: int
    comments: tuple[bytes, ...]
    oldest: int
    head: int


class AuthoredPage(NamedTuple):
    """Of an author's comments on a video those up to number `last`, in order. more: whether there
    may be others after it.
    """

    seqs: tuple[int, ...]
    last: int
    more: bool


class CommentStore(Protocol):
    """Every method may raise StoreUnavailable. Methods may be called at the same time."""

    read_bounds: ReadBounds  # how many reads it is best asked at a time, and how long they take

    async def start(self) -> None:
        """Connect; must not fail because the store is away (calls then raise StoreUnavailable)."""

    async def stop(self) -> None:
        """Finish what is in progress and release everything. Idempotent."""

    async def epoch(self) -> str:
        """The store's identity, made once with the store."""

    async def append(self, video_id: str, items: Sequence[Item]) -> list[Appended]:
        """Number and store up to MAX_GROUP items of one video; results in the order of `items`.

        Equal keys within a group fold into one comment. What the video's rules refuse (see
        `writer.rules`) is REFUSED, unless its key stands for a comment already. An UNDECIDED item
        takes no number, and may be appended again; a group of nothing else is StoreUnavailable. The
        new ones are stored all or none, and numbered in a row; except that a store may cut a group
        in two (Cassandra does once in 20,000 numbers): then the first part may be stored although
        StoreUnavailable is raised, and somebody else's comments may lie between the parts.
        """

    async def redact(self, video_id: str, redaction: Redaction, created_at: str) -> Redacted:
        """Remove or restore comments: their rows change, and a notice takes the next number.

        No reply shows what is removed once the notice is numbered; if this dies in between, the
        same call again completes it. Where all is so already, nothing is numbered. What is removed
        can be restored for a while.

        Raises NotFound if one of the targets is no comment, PermissionDenied if it is another
        author's, CommentRemoved if it cannot be restored any more; StoreUnavailable as `append`.
        """

    async def rule(self, video_id: str, ruling: Ruling, created_at: str) -> Ruled:
        """Change the rules of a video, and say so by an entry that takes the next number; whatever
        is numbered after it was decided by them. If this dies in between, the same call again
        completes it. Where all is so already, nothing is numbered.

        `video_id` "" is every video, for sanctions only; those are no entries.

        Raises PreconditionFailed, PermissionDenied, NotFound for a pin of no comment, or of one
        that is removed; StoreUnavailable as `append`.
        """

    async def rules(self, video_id: str, author_id: str = "") -> tuple[Rules, Sanction | None]:
        """The rules of a video, and what is said of one author."""

    async def rules_of(self, video_ids: Sequence[str]) -> dict[str, Rules]:
        """The rules of those of some videos that have any."""

    async def sanctions(self, video_id: str, limit: int, after: str = "") -> list[Sanction]:
        """Sanctions that were not lifted, of author ids above `after`, in their order."""

    async def filters(self, video_id: str) -> tuple[int, bytes]:
        """The version of a video's filters and what they are, (0, b"") if it has none."""

    async def authored(self, author_id: str, video_id: str, after: int, limit: int) -> AuthoredPage:
        """Numbers above `after` of an author's comments on a video, `limit` at most; also of those
        that are removed now, as long as it is known who wrote them. A call does not look through
        all of a long log: it may have found none, and say that there is more.
        """

    async def authored_videos(self, author_id: str, after: str, limit: int) -> list[str]:
        """Videos with ids above `after` that an author has commented on, in their order; perhaps
        more than those.
        """

    async def used_slots(self, video_id: str, slots: Sequence[str]) -> dict[str, int]:
        """When slots (`writer.rules.Pace`) were used last, in wall-clock milliseconds; those that
        were not are left out, and so may be those that were long ago.
        """

    async def check(self) -> None:
        """Ask the store whether it answers, and is the one that was opened; returns if so.

        Raises StoreUnavailable, StoreReplaced among others. A read, never answered from memory.
        """

    async def try_write(self) -> bool:
        """Write something that changes nothing, to see whether comments could be stored; False if
        this store has nothing of the kind. Raises as `append` does.
        """

    async def range(
        self, video_id: str, after: int, through: int, *, for_history: bool = False
    ) -> Page:
        """Comments with after < seq <= through that are still stored. `for_history`: it may wait
        for pages of history, and must not hold up other ranges.
        """

    async def recent(self, video_id: str, limit: int, before: int | None = None) -> Page:
        """The newest `limit` comments, or the newest with seq < before."""

    async def heads(
        self, video_ids: Sequence[str], known: Mapping[str, int] | None = None
    ) -> dict[str, int]:
        """Newest number of each video, 0 where there is none.

        It may be as old as half a second; but never below what `known` says of the video without
        a read that began after the call.
        """
