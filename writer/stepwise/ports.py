"""What the steps need of a store that has conditions, but no transactions over a whole video.

Both stores of this kind, Cassandra and DynamoDB, number by a condition, and do what belongs to more
than one condition in steps, so that whoever dies in between leaves something that the next one
completes. The steps are here, once; how each single one is done is behind these interfaces.

All methods may raise StoreUnavailable, as one of `stepwise.errors` where it matters. `serial` reads
include what is under way; where a store has nothing of the kind all its reads are such.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from writer.head_reads import HeadReads
from writer.held import Held
from writer.rules import Rules, Sanction
from writer.stepwise.group import Known, Room, Sent
from writer.stepwise.packs import Entries
from writer.stepwise.remains import Remains
from writer.stepwise.rule_rows import Change, RuleRows
from writer.store import AuthoredPage, Page


class Reads(Protocol):
    """Heads, and entries by range."""

    heads: HeadReads

    async def fetch_head(self, video_id: str, *, serial: bool = False) -> int:
        """The newest number, 0 if there is none."""

    async def fetch_heads(
        self, video_ids: Sequence[str], known: Mapping[str, int]
    ) -> dict[str, int]:
        """As CommentStore.heads."""

    async def fetch_range(self, video_id: str, after: int, through: int) -> Page:
        """As CommentStore.range, not restamped."""

    async def fetch_recent(self, video_id: str, limit: int, before: int | None) -> Page:
        """As CommentStore.recent, not restamped."""

    async def fetch_stretch(
        self, video_id: str, after: int, through: int
    ) -> tuple[int, list[bytes], int]:
        """What is stored of after < seq <= through, which all were numbered for certain: the first
        number, the entries, and how far this read went. Not restamped.
        """


class Log(Protocol):
    """The log of a video, as those use it who number entries: see `append.GroupAppend`."""

    async def head(self, video_id: str) -> int:
        """A head that is known for certain; others may have moved it since."""

    async def fresh_head(self, video_id: str) -> int:
        """The newest number, as of a serial read that begins now."""

    async def append_entry(self, video_id: str, head: int, raw: bytes, deadline: float) -> bool:
        """Store one entry as number `head` + 1; False if another writer's is."""

    async def pause_after_loss(self, video_id: str, losses: int, deadline: float) -> None:
        """Before the next attempt. Raises TimeoutError after the deadline."""


class Groups(Protocol):
    """Groups on their way into the log. heads_for_s: how long a head that was known for certain may
    be used for another group.
    """

    heads_for_s: float

    def room(self, head: int) -> Room:
        """How much a group after `head` may hold."""

    async def prepare(self, sent: Sent) -> None:
        """What has to be stored before the group is, beside the hints of its keys. If this raises
        the group must not be stored.
        """

    async def send(self, sent: Sent) -> tuple[bool, int | None]:
        """Store it if the head is still `sent.group.head`. Whether it was, and the newest number
        right after that, as far as the condition tells it; None if nobody knows.

        Raises Unanswered if the outcome is unknown; NotSent, Refused if it is certainly not stored.
        """

    async def read_back(
        self, sent: Sent, head: int | None, *, in_doubt: bool
    ) -> tuple[int, bytes | None]:
        """The newest number (`head`, if that is known), and the token of the group that holds the
        number after `sent.group.head`, None if there is none or nothing depends on it: without a
        doubt the group is lost if the head has moved.
        """

    def is_newest(self, head: int) -> bool:
        """Whether what `send` or `read_back` told is the head of the whole video."""

    async def finish(self, sent: Sent) -> None:
        """The group is stored. Must not raise."""


class Keys(Protocol):
    """Idempotency keys. Their hints are written first, so that whoever knows head N and then looks
    for a key finds it, if a comment up to N has it.
    """

    async def fetch(self, video_id: str, head: int, keys: Sequence[str]) -> Known:
        """Which of `keys` stand for a comment up to `head`, which is known for certain. Those of
        which that is not found out in time are `unsearched`; does not raise.
        """

    async def write_hints(self, video_id: str, head: int, keys: Iterable[str]) -> None:
        """To be called before a group with these keys is stored after `head`; if this raises it
        must not be stored.
        """


class Slots(Protocol):
    """Slots of slow mode and of repeats (`writer.rules.Pace`)."""

    async def fetch(
        self, video_id: str, head: int, slots: Sequence[str], not_before_s: float
    ) -> dict[str, int]:
        """When these were used last, in wall-clock milliseconds, by a comment up to `head`. Uses
        before `not_before_s` may be left out.
        """


class AuthorNotes(Protocol):
    """Notes that an author has written among the numbers of a bucket."""

    async def write(self, video_id: str, bucket: int, author_ids: Iterable[str]) -> None:
        """Note that these have; idempotent."""

    async def fetch_buckets(
        self, author_id: str, video_id: str, first: int, limit: int
    ) -> list[int]:
        """The first `limit` of an author's buckets from `first` on, in their order."""

    async def fetch_videos(self, author_id: str, after: str, limit: int) -> list[str]:
        """As CommentStore.authored_videos."""


class Authored(Protocol):
    """Which comments an author has written: see `authored`."""

    async def note(
        self, video_id: str, after: int, through: int, author_ids: Iterable[str]
    ) -> None:
        """To be called before comments of these authors are stored with numbers among after < seq
        <= through; if this raises they must not be stored.
        """

    async def fetch(self, author_id: str, video_id: str, after: int, limit: int) -> AuthoredPage:
        """As CommentStore.authored."""

    async def fetch_videos(self, author_id: str, after: str, limit: int) -> list[str]:
        """As CommentStore.authored_videos."""

    async def note_held(self, author_id: str, video_id: str) -> None:
        """To be called before a comment of an author is held, which has no number yet: so that
        `fetch_videos` has the video. If this raises it must not be held.
        """


class Packs(Protocol):
    """Entries by number, and what is put in their place."""

    async def fetch(self, video_id: str, seqs: Iterable[int]) -> Entries:
        """The entries under these numbers; as a serial read."""

    async def rewrite(self, video_id: str, entries: Entries, raws: Mapping[int, bytes]) -> bool:
        """Put `raws` in the place of entries that `fetch` has found; False if one of their packs
        has changed since, and others may then be rewritten already.

        If this raises it is unknown whether the packs are rewritten.
        """


class RemovedRows(Protocol):
    """What is kept of removed comments: see `remains`."""

    async def fetch(self, video_id: str, seqs: Iterable[int]) -> dict[int, Remains]:
        """What is kept of these; as a serial read."""

    async def fetch_texts(self, video_id: str, after: int, through: int) -> dict[int, bytes]:
        """The texts that are kept of after < seq <= through; no more than a thousand numbers."""

    async def keep(
        self,
        video_id: str,
        raws: Mapping[int, bytes],
        found: Mapping[int, Remains],
        since: int,
    ) -> bool:
        """Before comments are removed: keep `raws`, and that their notice will lie after `since`.
        False if a row is not as it was `found`.
        """

    async def destroy(self, video_id: str, found: Mapping[int, Remains]) -> bool:
        """Keep no text of comments that are removed; False if a row is not as it was `found`. A
        restoration that has `found` the text does not begin after this.
        """

    async def note_notice(self, video_id: str, sinces: Mapping[int, int], notice: int) -> None:
        """The notice of comments that were removed after `sinces`. Does not raise: without it,
        whoever asks next looks for it in the log.
        """

    async def begin_restoring(
        self, video_id: str, seq: int, found: Remains, begun: Remains
    ) -> bool:
        """A restoration begins: `restoring` and `restored` are to be those of `begun`. False if the
        row, with its text, is not as it was `found`.
        """

    async def end_restoring(self, video_id: str, seq: int, since: int, ended: Remains) -> None:
        """The one that began with `since` is done; as `note_notice`."""


class Repeats(Protocol):
    """Which comments may have been repeated by entries that pinned them: before such an entry is
    numbered, a number below it is noted. The lowest one stays.
    """

    async def note(self, video_id: str, seq: int, since: int) -> None:
        """An entry above `since` may repeat a comment; if this raises it must not be numbered."""

    async def fetch(self, video_id: str, seqs: Iterable[int]) -> dict[int, int]:
        """Those of these that may be repeated, and a number below all entries that do so."""


class RuleTable(Protocol):
    """The rules of videos: see `rule_rows`. In place of the video "" stands every video.

    Where `write` does not write all at once, it writes VIDEO and FILTERS at once; and of what is
    said of an author and VIDEO it writes VIDEO first, which says that there is something. But of
    the video "" it is VIDEO's version that says to all that there is something new: that moves
    after the author's part is written, or else when that is read again.
    """

    async def fetch(
        self, video_id: str, parts: Iterable[str] = (), *, serial: bool = False
    ) -> RuleRows:
        """The video's own part, and these."""

    async def fetch_many(self, video_ids: Sequence[str]) -> dict[str, Rules]:
        """As CommentStore.rules_of."""

    async def note_waiting(self, video_id: str) -> None:
        """Somebody cannot win a race for a number: whoever wins all of them makes room, for as long
        as this is there, about KEEP_WAITING_S. Does not raise.
        """

    async def write(self, video_id: str, changes: Sequence[Change]) -> bool:
        """Whether all are written, each if its version is as it was read; if not, one of the rows
        is not what it was, or nobody knows what became of them: they have to be read again.

        True is as good as a commit: each later read finds them.
        """

    async def list_sanctions(self, video_id: str, limit: int, after: str) -> list[Sanction]:
        """As CommentStore.sanctions."""


class HeldTable(Protocol):
    """Comments that wait for a moderator."""

    async def find(self, video_id: str, held_id: str) -> Held | None:
        """One of them; as a serial read."""

    async def list_since(self, video_id: str, held_after_ms: int) -> list[Held]:
        """Those that are listed and were held after a time, decided ones perhaps among them, in
        any order; no more than `writer.held.MAX_HELD`.
        """

    async def list_all(self, video_id: str) -> list[Held]:
        """All that is kept; as a serial read."""

    async def count_since(self, video_id: str, held_after_ms: int) -> int:
        """How many wait that were held after a time; no more than `writer.held.MAX_HELD`."""

    async def add_time(self, video_id: str, held: Held) -> None:
        """It is listed under its time from now on; whether it is there says `find`."""

    async def end_time(self, video_id: str, held: Held) -> None:
        """It is listed no more."""

    async def add(self, video_id: str, held: Held) -> None:
        """Keep it if there is none with its id. What became of it says `find`."""

    async def change(self, video_id: str, before: Held, after: Held) -> None:
        """Change it if it is as `before`. What became of it says `find`."""

    async def forget(self, video_id: str, held: Held) -> None:
        """Keep nothing of it."""
