"""Which idempotency keys are stored already, and with which comment: see `marks`.

A mark nearly always names the very group. A key that is not found there (its comment was never
stored, was removed by retention, or its group lost a race) is searched in all groups up to the
head. That has a bound in time, and beyond it the key is `unsearched`: nothing may be stored under
it. How far the search came is remembered, for what is numbered does not change its keys; so each
attempt gets further.

A key whose comment was removed by retention stands for nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from wire.errors import StoreUnavailable
from writer.dynamodb.layout import StoredGroup
from writer.dynamodb.marks import DynamoMarks, Mark
from writer.dynamodb.reads import DynamoReads
from writer.idempotency import Earlier
from writer.recent_values import RecentValues
from writer.stepwise.group import Known

log = structlog.get_logger()

# A key is kept for longer than the 24 h that are promised: clocks differ.
KEEP_MARKS_S = 26 * 3600
# Of a search as a whole: enough for a slow read, and it leaves enough of a post's deadline.
SEARCH_WITHIN_S = 2.0
# Of a sweep through many groups: the other comments of the group wait for it.
SWEEP_WITHIN_S = 0.5
GROUPS_AT_ONCE = 16
MAX_SWEEPS_KNOWN = 10_000  # unfinished ones; one that is forgotten begins at its mark again


@dataclass(slots=True)
class _Search:
    """The keys of one group. after: those of which it is not known yet whether they are stored,
    each with the number up to which it is not.
    """

    video_id: str
    head: int
    after: dict[str, int]
    found: dict[str, Earlier] = field(default_factory=dict)

    def take(self, group: StoredGroup) -> None:
        """A group of the log; no key is looked for in one that begins before its `after`."""
        for key, after in list(self.after.items()):
            if after >= group.first:
                continue
            if key in group.marks.keys and not group.gone:
                seq, digest = group.marks.keys[key]
                self.found[key] = Earlier(seq, digest, group.raw(seq))
                del self.after[key]
            elif after == group.first - 1:
                self.after[key] = group.last


class DynamoKeys:
    """Implements `ports.Keys`. Owns what is remembered of searches that were not finished."""

    def __init__(self, marks: DynamoMarks, reads: DynamoReads) -> None:
        self._marks, self._reads = marks, reads
        self._swept = RecentValues[tuple[str, str], int](MAX_SWEEPS_KNOWN)  # video, key -> number

    async def fetch(self, video_id: str, head: int, keys: Sequence[str]) -> Known:
        """As ports.Keys.fetch."""
        if not keys:
            return Known()
        search = _Search(video_id, head, dict.fromkeys(keys, 0))
        try:
            async with asyncio.timeout(SEARCH_WITHIN_S):
                await self._search(search)
        except (StoreUnavailable, TimeoutError) as exc:
            self._give_up(search, exc)
        return Known(dict(search.found), frozenset(search.after))

    async def write_hints(self, video_id: str, head: int, keys: Iterable[str]) -> None:
        """As ports.Keys.write_hints."""
        await self._marks.put(video_id, dict.fromkeys(keys, (Mark(head), KEEP_MARKS_S)))

    async def _search(self, search: _Search) -> None:
        marks = await self._marks.fetch(search.video_id, search.after)
        search.after = {
            key: max(mark.after, self._swept.get((search.video_id, key)) or 0)
            for key, mark in marks.items()
            if mark.after < search.head
        }
        await self._look_where_marked(search)
        if search.after:
            async with asyncio.timeout(SWEEP_WITHIN_S):
                await self._sweep(search)
        search.after.clear()

    async def _look_where_marked(self, search: _Search) -> None:
        firsts = sorted({after + 1 for after in search.after.values()})
        for begin in range(0, len(firsts), GROUPS_AT_ONCE):
            some = firsts[begin : begin + GROUPS_AT_ONCE]
            read = self._reads.fetch_group_from
            for group in await asyncio.gather(*(read(search.video_id, first) for first in some)):
                if group is not None:
                    search.take(group)

    async def _sweep(self, search: _Search) -> None:
        """From the first number that was not searched to the head, until every key is found."""
        at = min(search.after.values())
        while search.after and at < search.head:
            groups = await self._reads.fetch_groups(
                search.video_id, at + 1, search.head, GROUPS_AT_ONCE
            )
            if not groups:
                break
            for group in groups:
                search.take(group)
            at = groups[-1].last
            search.after = {key: max(after, at) for key, after in search.after.items()}

    def _give_up(self, search: _Search, problem: Exception) -> None:
        for key, after in search.after.items():
            if after:
                self._swept.put((search.video_id, key), after)
        log.warning(
            "keys_not_searched",
            video_id=search.video_id,
            keys=len(search.after),
            swept=max(search.after.values(), default=0),
            head=search.head,
            problem=type(problem).__name__,
        )
