"""When slots of slow mode and of repeats were used last.

Invariants: a slot's row lies in the bucket of the comment that used it, under a key that no client
can send, and is stored in the same batch. So whoever knows head N (see CassandraKeys) and reads the
bucket of N + 1, and those before it whose last comment is not older than a pace, knows the last use
by a comment up to N; one that is stored afterwards moves the head.

A full bucket does not change, so its last comment is read once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec

from writer.cassandra.driver import READ
from writer.cassandra.layout import SLOT_PREFIX, Buckets, slot_key
from writer.cassandra.reads import CassandraReads
from writer.cassandra.session import CassandraSession
from writer.recent_values import RecentValues
from writer.stepwise.decisions import SLACK_S

# Of full buckets that may matter. It takes as many comments as they hold within one pace, by as
# many authors; a slot that was used before all of them counts as unused.
MAX_BUCKETS_BACK = 64
MAX_ENDS_KNOWN = 10_000
_AT_ONCE = 16


class _Dated(msgspec.Struct, frozen=True):
    created_at: datetime


class CassandraSlots:
    """Owns what is remembered of the ends of full buckets."""

    def __init__(self, session: CassandraSession, reads: CassandraReads, buckets: Buckets) -> None:
        self._session, self._reads, self._buckets = session, reads, buckets
        self._ends = RecentValues[tuple[str, int], float](MAX_ENDS_KNOWN)  # seconds since 1970

    async def fetch(
        self, video_id: str, head: int, slots: Sequence[str], not_before_s: float
    ) -> dict[str, int]:
        """When these were used last, in wall-clock milliseconds, by a comment up to `head`. Uses
        before `not_before_s` may be left out. Raises StoreUnavailable.
        """
        keys = [slot_key(slot) for slot in slots]
        buckets = await self._recent_buckets(video_id, head, not_before_s - SLACK_S)
        used: dict[str, int] = {}
        for begin in range(0, len(buckets), _AT_ONCE):
            some = buckets[begin : begin + _AT_ONCE]
            parts = await asyncio.gather(*(self._in_bucket(video_id, one, keys) for one in some))
            for key, used_ms in (row for part in parts for row in part):
                slot = key.removeprefix(SLOT_PREFIX)
                used[slot] = max(used.get(slot, 0), used_ms)
        return used

    async def _recent_buckets(self, video_id: str, head: int, not_before_s: float) -> list[int]:
        newest = self._buckets.after(head)
        found = [newest]
        for bucket in range(newest - 1, max(newest - MAX_BUCKETS_BACK, 0) - 1, -1):
            if await self._ended_s(video_id, bucket) < not_before_s:
                break
            found.append(bucket)
        return found

    async def _ended_s(self, video_id: str, bucket: int) -> float:
        """When a full bucket got its last entry; 0 if retention took it, which is long ago."""
        ended_s = self._ends.get((video_id, bucket))
        if ended_s is None:
            raw = await self._reads.fetch_comment(video_id, self._buckets.last(bucket))
            dated = msgspec.json.decode(raw, type=_Dated) if raw else None
            ended_s = dated.created_at.timestamp() if dated else 0.0
            self._ends.put((video_id, bucket), ended_s)
        return ended_s

    async def _in_bucket(
        self, video_id: str, bucket: int, keys: Sequence[str]
    ) -> list[tuple[str, int]]:
        return await self._session.call(
            lambda cql: cql.read("slots", video_id, bucket, list(keys)), profile=READ
        )
