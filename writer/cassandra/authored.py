"""Notes of who has written in which bucket of a video: table `authored` of schema.cql."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from writer.cassandra.driver import READ
from writer.cassandra.session import CassandraSession


class CassandraNotes:
    """Implements `ports.AuthorNotes`. Has no state."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def write(self, video_id: str, bucket: int, author_ids: Iterable[str]) -> None:
        """As ports.AuthorNotes.write."""
        await asyncio.gather(*(self._write(one, video_id, bucket) for one in author_ids))

    async def fetch_buckets(
        self, author_id: str, video_id: str, first: int, limit: int
    ) -> list[int]:
        """As ports.AuthorNotes.fetch_buckets."""
        rows = await self._session.call(
            lambda cql: cql.read("authored", author_id, video_id, first, limit), profile=READ
        )
        return [bucket for (bucket,) in rows]

    async def fetch_videos(self, author_id: str, after: str, limit: int) -> list[str]:
        """As ports.AuthorNotes.fetch_videos."""
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
