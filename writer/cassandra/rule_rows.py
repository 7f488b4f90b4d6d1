"""The rules of a video as they lie in Cassandra: see table `rules` in schema.cql.

Invariants: a row changes only under the condition that its version is the one that was read, so
whoever was first is seen by all others, whatever their clocks say. A part of the rules whose entry
is not known to be numbered (`since` is set) is changed by nobody before it is: so each state of it
has one entry, in the order of the states, and all earlier ones are numbered up to `since`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import msgspec

from wire.errors import StoreUnavailable
from writer.cassandra.driver import CONDITION, READ
from writer.cassandra.errors import Unanswered
from writer.cassandra.session import CassandraSession
from writer.rules import NO_RULES, Rules, Sanction

VIDEO, FILTERS, WAITING = "", "\x01filters", "\x01waiting"  # parts that are no author's
_BEFORE_AUTHORS = "\x02"
SITE = "*"  # in place of "", which Cassandra takes for no key; no video has this id
_LISTED_AT_ONCE = 500
_READS_AT_ONCE = 16  # of the session's calls


class VideoRules(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is stored of a video. settings_since, pin_since: a head from before the entry that says
    so, None if its number is known; settings_at, pin_at: the time in that entry; pin_before: pin
    and notice that count if it turns out that the comment cannot be pinned.
    """

    rules: Rules = NO_RULES
    settings_since: int | None = None
    settings_at: str = ""
    pin_since: int | None = None
    pin_at: str = ""
    pin_before: tuple[int, int] = (0, 0)


class SaidOfAuthor(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is stored of an author. since: as in VideoRules."""

    sanction: Sanction
    since: int | None = None


Said = TypeVar("Said")


class Row(NamedTuple):
    """version: None if there is no row."""

    version: int | None
    body: bytes


class Change(NamedTuple):
    """A part, its version as it was read, and what it is to be."""

    part: str
    before: int | None
    body: bytes

    @property
    def row(self) -> Row:
        """The row when it is written."""
        return Row((self.before or 0) + 1, self.body)


NO_ROW = Row(None, b"")
NO_VIDEO_RULES = VideoRules()
_video = msgspec.json.Decoder(VideoRules)
_author = msgspec.json.Decoder(SaidOfAuthor)


@dataclass(frozen=True, slots=True)
class RuleRows:
    """What was read of a video: the rows by part, and what they say."""

    rows: dict[str, Row] = field(default_factory=dict)
    video: VideoRules = NO_VIDEO_RULES
    authors: dict[str, SaidOfAuthor] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: dict[str, Row]) -> RuleRows:
        """From rows; the filters are not decoded."""
        said = rows.get(VIDEO)
        authors = {
            part: _author.decode(row.body) for part, row in rows.items() if part > _BEFORE_AUTHORS
        }
        return cls(rows, _video.decode(said.body) if said else NO_VIDEO_RULES, authors)

    def change(self, part: str, said: VideoRules | SaidOfAuthor | bytes) -> Change:
        """To write this in a part."""
        body = said if isinstance(said, bytes) else msgspec.json.encode(said)
        return Change(part, self.rows.get(part, NO_ROW).version, body)

    def changed(self, changes: Sequence[Change]) -> RuleRows:
        """As they are when these are written."""
        return RuleRows.of(self.rows | {change.part: change.row for change in changes})


class CassandraRuleRows:
    """Reads and writes. Has no state."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def fetch(
        self, video_id: str, parts: Iterable[str] = (), *, serial: bool = False
    ) -> RuleRows:
        """The video's own part, and these. serial: including what is under way. Raises
        StoreUnavailable.
        """
        wanted = [VIDEO, *parts]
        rows = await self._session.call(
            lambda cql: cql.read("rules", video_id or SITE, wanted, serial=serial), profile=READ
        )
        return RuleRows.of({part: Row(version, body) for part, version, body in rows})

    async def fetch_many(self, video_ids: Sequence[str]) -> dict[str, Rules]:
        """As CommentStore.rules_of."""
        found: dict[str, Rules] = {}
        for begin in range(0, len(video_ids), _READS_AT_ONCE):
            some = video_ids[begin : begin + _READS_AT_ONCE]
            rows = await asyncio.gather(*(self.fetch(video_id) for video_id in some))
            found |= {
                video_id: one.video.rules
                for video_id, one in zip(some, rows, strict=True)
                if VIDEO in one.rows
            }
        return found

    async def note_waiting(self, video_id: str) -> None:
        """Somebody cannot win a race for a number: whoever wins all of them makes room, for as long
        as this is there.
        """
        with suppress(StoreUnavailable):
            await self._session.call(
                lambda cql: cql.read("note_waiting", video_id, WAITING), profile=READ
            )

    async def write(self, video_id: str, changes: Sequence[Change]) -> bool:
        """Whether all are written; if not, one of the rows is not what it was, or nobody knows what
        became of them: they have to be read again.

        True is as good as a commit: each later read finds them. Raises StoreUnavailable.
        """
        parts = [
            ("write_rules", (*change.row, video_id or SITE, change.part, change.before))
            for change in changes
        ]
        try:
            rows = await self._session.call(lambda cql: cql.conditional(parts), profile=CONDITION)
        except Unanswered:
            found = await self.fetch(video_id, [change.part for change in changes], serial=True)
            return all(found.rows.get(change.part) == change.row for change in changes)
        return bool(rows[0]["[applied]"])

    async def list_sanctions(self, video_id: str, limit: int, after: str) -> list[Sanction]:
        """As CommentStore.sanctions."""
        found: list[Sanction] = []
        after = max(after, _BEFORE_AUTHORS)
        while len(found) < limit:
            rows = await self._session.call(
                lambda cql, after=after: cql.read(  # type: ignore[misc]
                    "rules_after", video_id or SITE, after, _LISTED_AT_ONCE
                ),
                profile=READ,
            )
            said = [_author.decode(body).sanction for _, body in rows]
            found += [one for one in said if one.until_ms is not None]
            if len(rows) < _LISTED_AT_ONCE:
                break
            after = rows[-1][0]
        return found[:limit]
