"""Heads and ranges from Cassandra, and which comments retention has removed.

Invariants: every read has a span, for what has expired is read over. Reads are at (LOCAL_)QUORUM;
where rows up to the head are missing, a read at SERIAL follows, which completes what is under way.
The newest bucket is found from a lower bound, by steps forward while buckets are full.
"""

from __future__ import annotations

from contextlib import suppress

from wire.errors import StoreUnavailable
from writer.cassandra.driver import READ
from writer.cassandra.layout import ANCHOR, MAX_PACK, Buckets
from writer.cassandra.session import CassandraSession
from writer.recent_values import RecentValues
from writer.stepwise.lines import Row, consecutive, unpack
from writer.stepwise.oldest import search_first
from writer.stepwise.paging import MAX_VIDEOS_KNOWN, PagedReads

_SPAN = 1_000  # numbers in one read, so that its rows always fit into one answer


class CassandraReads(PagedReads):
    """All reads of comments; owns what is remembered of buckets."""

    def __init__(self, session: CassandraSession, buckets: Buckets) -> None:
        super().__init__()
        self._session, self._buckets = session, buckets
        self._newest = RecentValues[str, int](MAX_VIDEOS_KNOWN)  # bucket, a lower bound

    async def fetch_head(self, video_id: str, *, serial: bool = False) -> int:
        """The newest number; `serial`: including what is under way."""
        bucket = known = await self._newest_bucket(video_id)
        head = await self.fetch_bucket_head(video_id, bucket, serial=serial)
        while head == self._buckets.last(bucket):
            bucket += 1
            head = await self.fetch_bucket_head(video_id, bucket, serial=serial)
        if bucket != known and head > self._buckets.head_before(bucket):
            await self.write_bucket_hint(video_id, bucket)
        return head

    async def write_bucket_hint(self, video_id: str, bucket: int) -> None:
        """Record that the video has comments in this bucket, so that searches begin here."""
        self._newest.put(video_id, bucket)
        with suppress(StoreUnavailable):  # without it others take one step more
            await self._session.call(
                lambda cql: cql.read("note_newest_bucket", video_id, bucket, bucket), profile=READ
            )

    async def fetch_comment(self, video_id: str, seq: int) -> bytes | None:
        """The public JSON of one comment, None if it is not stored (any more)."""
        row = await self._next_row(video_id, seq - 1)
        first, raws = unpack(row[:2]) if row else (seq + 1, [])
        return raws[seq - first] if first <= seq else None

    async def fetch_stretch(
        self, video_id: str, after: int, through: int
    ) -> tuple[int, list[bytes], int]:
        """What is stored of after < seq <= through, which all were numbered for certain: the first
        number, the entries, and how far this read went. Not restamped.
        """
        end = min(through, after + _SPAN)
        return *await self._newest_run(video_id, after, end), end

    async def fetch_token_after(self, video_id: str, head: int, *, serial: bool) -> bytes | None:
        """The token of the group that holds number `head` + 1, None if that is gone."""
        row = await self._next_row(video_id, head, serial=serial)
        return row[2] if row and unpack(row[:2])[0] <= head + 1 else None

    async def fetch_bucket_head(self, video_id: str, bucket: int, *, serial: bool = False) -> int:
        """The head as one bucket has it; if it is empty, the last number of the bucket before."""
        rows = await self._session.call(
            lambda cql: cql.read("head", video_id, bucket, serial=serial), profile=READ
        )
        head, first = rows[0] if rows else (None, None)
        if head is None:
            return self._buckets.head_before(bucket)
        if first != ANCHOR:
            await self._add_anchor(video_id, bucket)
        return int(head)

    async def _add_anchor(self, video_id: str, bucket: int) -> None:
        """For a bucket that an older release began. Idempotent, and safe beside any other call."""
        with suppress(StoreUnavailable):  # whoever reads next does it
            await self._session.call(
                lambda cql: cql.read("add_anchor", video_id, bucket), profile=READ
            )

    async def _newest_bucket(self, video_id: str) -> int:
        known = self._newest.get(video_id)
        if known is None:
            rows = await self._session.call(
                lambda cql: cql.read("newest_bucket", video_id), profile=READ
            )
            known = rows[0][0] if rows else 0
            self._newest.put(video_id, known)
        return known

    async def _next_row(
        self, video_id: str, head: int, *, serial: bool = False
    ) -> tuple[int, bytes, bytes] | None:
        """The first row after `head` that can hold the next number or lies within a pack of it;
        None if there is no such row.
        """
        bucket, before = self._buckets.after(head), head + 1 + MAX_PACK
        rows = await self._session.call(
            lambda cql: cql.read("next", video_id, bucket, head, before, serial=serial),
            profile=READ,
        )
        return rows[0] if rows else None

    async def _newest_run(
        self, video_id: str, after: int, last: int, *, gone: bool = False
    ) -> tuple[int, list[bytes]]:
        rows = await self._rows(video_id, after, last)
        first, raws = consecutive(rows, after, last)
        if after < last and first + len(raws) - 1 < last and not gone:
            tail = max(after, first + len(raws) - 1)
            rows += await self._rows(video_id, tail, last, serial=True)
            first, raws = consecutive(rows, after, last)
        return first, raws

    async def _rows(
        self, video_id: str, after: int, through: int, *, serial: bool = False
    ) -> list[Row]:
        rows: list[Row] = []
        for bucket, begin, end in self._buckets.spans(after, through, _SPAN):
            rows += await self._span(video_id, bucket, begin, end, serial)
        return rows

    async def _span(
        self, video_id: str, bucket: int, after: int, through: int, serial: bool
    ) -> list[Row]:
        # The row that holds number n is named by its last one, at most n + MAX_PACK - 1.
        before = min(through + MAX_PACK, self._buckets.last(bucket) + 1)
        return await self._session.call(
            lambda cql: cql.read("rows", video_id, bucket, after, before, serial=serial),
            profile=READ,
        )

    # Retention

    async def _first_stored(self, video_id: str, oldest: int, head: int) -> int:
        found = await self._search(video_id, oldest, head)
        if found > head and await self._next_row(video_id, head - 1, serial=True):
            found = await self._search(video_id, oldest, head)  # it was under way
        return found

    async def _search(self, video_id: str, oldest: int, head: int) -> int:
        async def first_at(seq: int) -> int | None:
            row = await self._next_row(video_id, seq - 1)
            return None if row is None else unpack(row[:2])[0]

        return await search_first(first_at, oldest, head, MAX_PACK)
