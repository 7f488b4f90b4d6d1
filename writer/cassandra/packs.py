"""Packs in Cassandra: see `stepwise.packs`.

Invariants: a pack is rewritten only if it is as it was read, and lives no longer than before. What
was read is as of a read at SERIAL, which leaves nothing under way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from writer.cassandra.driver import CONDITION, READ
from writer.cassandra.layout import MAX_PACK, Buckets
from writer.cassandra.session import CassandraSession
from writer.stepwise.packs import Entries, Pack, fetch_entries

MAX_REWRITE_BYTES = 256 * 1024  # of packs in one condition; a single pack may be larger


class CassandraPacks:
    """Has no state. The stamp of a pack is the time in seconds that it still has, or None."""

    def __init__(self, session: CassandraSession, buckets: Buckets) -> None:
        self._session, self._buckets = session, buckets

    async def fetch(self, video_id: str, seqs: Iterable[int]) -> Entries:
        """The entries under these numbers. Raises StoreUnavailable."""
        return await fetch_entries(lambda seq: self._read(video_id, seq), seqs)

    async def rewrite(self, video_id: str, entries: Entries, raws: Mapping[int, bytes]) -> bool:
        """Put `raws` in the place of entries that `fetch` has found; False if one of their packs
        has changed since, and others may then be rewritten already.

        Raises StoreUnavailable; whether the packs are rewritten is then unknown.
        """
        for bucket, changes in self._batches(entries, raws):
            parts = [
                (
                    "rewrite_pack",
                    (pack.stamp or 0, lines, video_id, bucket, pack.last, pack.lines),
                )
                for pack, lines in changes
            ]
            rows = await self._session.call(
                lambda cql, parts=parts: cql.conditional(parts),  # type: ignore[misc]
                profile=CONDITION,
            )
            if not rows[0]["[applied]"]:
                return False
        return True

    async def _read(self, video_id: str, seq: int) -> Pack | None:
        bucket, after = self._buckets.of(seq), seq - 1
        rows = await self._session.call(
            lambda cql: cql.read("pack", video_id, bucket, after, seq + MAX_PACK, serial=True),
            profile=READ,
        )
        return Pack(*rows[0]) if rows else None

    def _batches(
        self, entries: Entries, raws: Mapping[int, bytes]
    ) -> Iterator[tuple[int, list[tuple[Pack, bytes]]]]:
        """Packs and their new lines, those of one bucket together as far as the bound allows."""
        batch, size, bucket = list[tuple[Pack, bytes]](), 0, -1
        for pack, new in entries.rewritten(raws):
            size += len(pack.lines) + len(new)
            if batch and (self._buckets.of(pack.last) != bucket or size > MAX_REWRITE_BYTES):
                yield bucket, batch
                batch, size = [], len(pack.lines) + len(new)
            bucket = self._buckets.of(pack.last)
            batch.append((pack, new))
        if batch:
            yield bucket, batch
