"""Who has written in which bucket of a video, to find all that an author wrote.

Invariant: that an author writes in a bucket is noted before the comment is stored; so whoever reads
the note and then the bucket misses none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from wire.entry import is_comment
from writer.cassandra.driver import READ
from writer.cassandra.layout import HELD_BUCKET, Buckets
from writer.cassandra.reads import CassandraReads
from writer.cassandra.session import CassandraSession
from writer.recent_values import RecentValues

MAX_NOTES_KNOWN = 100_000  # so that nearly no post has to write one


class CassandraAuthored:
    """Owns what is remembered of notes that were written."""

    def __init__(self, session: CassandraSession, reads: CassandraReads, buckets: Buckets) -> None:
        self._session, self._reads, self._buckets = session, reads, buckets
        self._noted = RecentValues[tuple[str, str, int], bool](MAX_NOTES_KNOWN)

    async def note(self, video_id: str, bucket: int, author_ids: Iterable[str]) -> None:
        """To be called before comments of these authors are stored in a bucket. Raises
        StoreUnavailable; they must not be stored then.
        """
        new = [one for one in set(author_ids) if not self._noted.get((one, video_id, bucket))]
        if new:
            await asyncio.gather(*(self._write(one, video_id, bucket) for one in new))

    async def note_held(self, author_id: str, video_id: str) -> None:
        """As ports.Authored.note_held."""
        await self.note(video_id, HELD_BUCKET, [author_id])

    async def fetch(self, author_id: str, video_id: str, after: int, limit: int) -> list[int]:
        """As CommentStore.authored."""
        rows = await self._session.call(
            lambda cql: cql.read("authored", author_id, video_id, self._buckets.after(after)),
            profile=READ,
        )
        found: list[int] = []
        for (bucket,) in rows:
            in_bucket = await self._in_bucket(author_id, video_id, bucket)
            found += [seq for seq in in_bucket if seq > after]
            if len(found) >= limit:
                break
        return found[:limit]

    async def fetch_videos(self, author_id: str, after: str, limit: int) -> list[str]:
        """As CommentStore.authored_videos."""
        found: list[str] = []
        while len(found) < limit:
            last = found[-1] if found else after
            rows = await self._session.call(
                lambda cql, last=last: cql.read(  # type: ignore[misc]
                    "authored_after", author_id, last
                ),
                profile=READ,
            )
            if not rows:
                break
            found.append(rows[0][0])
        return found

    async def _write(self, author_id: str, video_id: str, bucket: int) -> None:
        await self._session.call(
            lambda cql: cql.read("note_author", author_id, video_id, bucket), profile=READ
        )
        self._noted.put((author_id, video_id, bucket), True)

    async def _in_bucket(self, author_id: str, video_id: str, bucket: int) -> list[int]:
        """Those that are shown, and those that are removed and still kept."""
        mark = b'"author_id":"%s"' % author_id.encode()
        head = await self._reads.fetch_bucket_head(video_id, bucket, serial=True)
        at, found = self._buckets.head_before(bucket), set[int]()
        while at < head:
            first, raws, at = await self._reads.fetch_stretch(video_id, at, head)
            shown = enumerate(raws, first)
            found |= {seq for seq, raw in shown if raw.find(mark) >= 0 and is_comment(raw)}
        removed = await self._session.call(
            lambda cql: cql.read("removed_in_bucket", video_id, bucket), profile=READ
        )
        found |= {seq for seq, raw in removed if raw is not None and raw.find(mark) >= 0}
        return sorted(found)
