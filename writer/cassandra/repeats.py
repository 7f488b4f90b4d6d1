"""Which comments may have been repeated by entries that pinned them: see table `repeats`.

Invariant: before an entry that repeats a comment is numbered, a number below it is noted here. The
lowest one stays, so whoever searches the log from it finds all of them.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from wire.ids import MAX_SEQ
from writer.cassandra.driver import READ
from writer.cassandra.layout import Buckets
from writer.cassandra.session import CassandraSession


class CassandraRepeats:
    """Has no state."""

    def __init__(self, session: CassandraSession, buckets: Buckets) -> None:
        self._session, self._buckets = session, buckets

    async def note(self, video_id: str, seq: int, since: int) -> None:
        """An entry above `since` may repeat a comment. Raises StoreUnavailable; it must not be
        numbered then.
        """
        bucket, at = self._buckets.of(seq), MAX_SEQ - since
        await self._session.call(
            lambda cql: cql.read("note_repeat", video_id, bucket, seq, since, at), profile=READ
        )

    async def fetch(self, video_id: str, seqs: Iterable[int]) -> dict[int, int]:
        """Those of these that may be repeated, and a number below all entries that do so."""
        buckets: dict[int, list[int]] = defaultdict(list)
        for seq in seqs:
            buckets[self._buckets.of(seq)].append(seq)
        parts = await asyncio.gather(
            *(self._in_bucket(video_id, bucket, some) for bucket, some in buckets.items())
        )
        return {seq: since for part in parts for seq, since in part}

    async def _in_bucket(
        self, video_id: str, bucket: int, seqs: list[int]
    ) -> list[tuple[int, int]]:
        return await self._session.call(
            lambda cql: cql.read("repeats", video_id, bucket, seqs), profile=READ
        )
