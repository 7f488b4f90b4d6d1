"""The rules of videos in Cassandra: see table `rules` in schema.cql, and `stepwise.rule_rows`.

Invariant: a row changes only under the condition that its version is the one that was read, so
whoever was first is seen by all others, whatever their clocks say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress

from wire.errors import StoreUnavailable
from writer.cassandra.driver import CONDITION, READ
from writer.cassandra.session import CassandraSession
from writer.rules import Rules, Sanction
from writer.stepwise.errors import Unanswered
from writer.stepwise.rule_rows import (
    BEFORE_AUTHORS,
    SITE,
    VIDEO,
    WAITING,
    Change,
    Row,
    RuleRows,
    decode_sanction,
)

_LISTED_AT_ONCE = 500
_READS_AT_ONCE = 16  # of the session's calls


class CassandraRuleRows:
    """Implements `ports.RuleTable`. Has no state."""

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
        after = max(after, BEFORE_AUTHORS)
        while len(found) < limit:
            rows = await self._session.call(
                lambda cql, after=after: cql.read(  # type: ignore[misc]
                    "rules_after", video_id or SITE, after, _LISTED_AT_ONCE
                ),
                profile=READ,
            )
            said = [decode_sanction(body) for _, body in rows]
            found += [one for one in said if one.until_ms is not None]
            if len(rows) < _LISTED_AT_ONCE:
                break
            after = rows[-1][0]
        return found[:limit]
