"""What is kept of removed comments: see table `removed` in schema.cql.

Invariants: rows change only under a condition on what was read of them, so whoever was first is
seen by all others, whatever their clocks say.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress

from wire.errors import StoreUnavailable
from writer.cassandra.driver import CONDITION, READ
from writer.cassandra.layout import Buckets
from writer.cassandra.session import MAX_ROWS, CassandraSession
from writer.stepwise.remains import NOTHING, Remains

_Parts = list[tuple[str, tuple[object, ...]]]


class CassandraRemoved:
    """Implements `ports.RemovedRows`. kept_s: for how long the text of a removed comment stays."""

    def __init__(self, session: CassandraSession, buckets: Buckets, kept_s: float) -> None:
        self._session, self._buckets = session, buckets
        self._ttl_s = max(int(kept_s), 1)

    async def fetch(self, video_id: str, seqs: Iterable[int]) -> dict[int, Remains]:
        """As ports.RemovedRows.fetch."""
        parts = await asyncio.gather(
            *(
                self._session.call(
                    lambda cql, bucket=bucket, some=some: cql.read(  # type: ignore[misc]
                        "removed", video_id, bucket, some, serial=True
                    ),
                    profile=READ,
                )
                for bucket, some in self._by_bucket(seqs).items()
            )
        )
        return {row[0]: Remains(*row[1:]) for rows in parts for row in rows}

    async def fetch_texts(self, video_id: str, after: int, through: int) -> dict[int, bytes]:
        """As ports.RemovedRows.fetch_texts."""
        texts = dict[int, bytes]()
        for span in self._buckets.spans(after, through, MAX_ROWS):
            rows = await self._session.call(
                lambda cql, span=span: cql.read(  # type: ignore[misc]
                    "removed_texts", video_id, *span
                ),
                profile=READ,
            )
            texts |= {seq: raw for seq, raw in rows if raw is not None}
        return texts

    async def keep(
        self,
        video_id: str,
        raws: Mapping[int, bytes],
        found: Mapping[int, Remains],
        since: int,
    ) -> bool:
        """As ports.RemovedRows.keep."""
        for bucket, seqs in self._by_bucket(raws).items():
            parts: _Parts = []
            for seq in seqs:
                before = found.get(seq, NOTHING).since
                parts.append(("keep_since", (since, video_id, bucket, seq, before)))
                parts.append(("keep_text", (self._ttl_s, raws[seq], video_id, bucket, seq)))
            if not await self._apply(parts):
                return False
        return True

    async def destroy(self, video_id: str, found: Mapping[int, Remains]) -> bool:
        """As ports.RemovedRows.destroy."""
        for bucket, seqs in self._by_bucket(found).items():
            parts: _Parts = []
            for seq in seqs:
                since = found[seq].since
                parts.append(("keep_since", (since, video_id, bucket, seq, since)))
                parts.append(("keep_text", (self._ttl_s, None, video_id, bucket, seq)))
            if not await self._apply(parts):
                return False
        return True

    async def note_notice(self, video_id: str, sinces: Mapping[int, int], notice: int) -> None:
        """As ports.RemovedRows.note_notice."""
        with suppress(StoreUnavailable):
            for bucket, seqs in self._by_bucket(sinces).items():
                await self._apply(
                    [("keep_notice", (notice, video_id, bucket, seq, sinces[seq])) for seq in seqs]
                )

    async def begin_restoring(
        self, video_id: str, seq: int, found: Remains, begun: Remains
    ) -> bool:
        """As ports.RemovedRows.begin_restoring."""
        new, old = (begun.restoring, begun.restored), (found.restoring, found.since, found.raw)
        values = (*new, video_id, self._buckets.of(seq), seq, *old)
        return await self._apply([("keep_restoring", values)])

    async def end_restoring(self, video_id: str, seq: int, since: int, ended: Remains) -> None:
        """As ports.RemovedRows.end_restoring."""
        values = (ended.restored, video_id, self._buckets.of(seq), seq, since)
        with suppress(StoreUnavailable):
            await self._apply([("keep_restored", values)])

    async def _apply(self, parts: _Parts) -> bool:
        rows = await self._session.call(lambda cql: cql.conditional(parts), profile=CONDITION)
        return bool(rows[0]["[applied]"])

    def _by_bucket(self, seqs: Iterable[int]) -> dict[int, list[int]]:
        buckets: dict[int, list[int]] = defaultdict(list)
        for seq in seqs:
            buckets[self._buckets.of(seq)].append(seq)
        return buckets
