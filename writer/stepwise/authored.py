"""Where authors have written, to find all that one of them wrote.

Invariant: that an author writes among the numbers of a bucket is noted before the comment is
stored; so whoever reads the notes, then the head, and then those numbers misses none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from wire.entry import is_comment
from writer.recent_values import RecentValues
from writer.stepwise.ports import AuthorNotes, Reads, RemovedRows
from writer.store import AuthoredPage

MAX_NOTES_KNOWN = 100_000  # so that nearly no post has to write one
MAX_SCANNED = 5_000  # entries that one call looks at: it has to end before its deadline
HELD_BUCKET = -1  # in notes: of comments that wait for a moderator and have no number
_SPAN = 1_000  # of them at a time


class AuthoredSteps:
    """Implements `ports.Authored`. Owns what is remembered of notes that were written.
    bucket_size: how many numbers a note is about; the same for as long as the store lives.
    """

    def __init__(
        self, reads: Reads, removed: RemovedRows, notes: AuthorNotes, bucket_size: int
    ) -> None:
        self._reads, self._removed, self._notes = reads, removed, notes
        self._size = bucket_size
        self._noted = RecentValues[tuple[str, str, int], bool](MAX_NOTES_KNOWN)

    async def note(
        self, video_id: str, after: int, through: int, author_ids: Iterable[str]
    ) -> None:
        """As ports.Authored.note."""
        authors = set(author_ids)
        for bucket in range(after // self._size, (through - 1) // self._size + 1):
            await self._note(video_id, bucket, authors)

    async def note_held(self, author_id: str, video_id: str) -> None:
        """As ports.Authored.note_held."""
        await self._note(video_id, HELD_BUCKET, [author_id])

    async def fetch(self, author_id: str, video_id: str, after: int, limit: int) -> AuthoredPage:
        """As CommentStore.authored: up to the end of one bucket, or of MAX_SCANNED entries."""
        buckets = await self._notes.fetch_buckets(author_id, video_id, after // self._size, 2)
        if not buckets:
            return AuthoredPage((), after, False)
        edge = (buckets[0] + 1) * self._size
        end = min(edge, await self._reads.fetch_head(video_id, serial=True))
        at, found = max(after, edge - self._size), list[int]()
        stop = min(end, at + MAX_SCANNED)
        while at < stop and len(found) < limit:
            through = min(stop, at + _SPAN)
            found += await self._between(author_id, video_id, at, through)
            at = through
        if len(found) > limit:
            return AuthoredPage(tuple(found[:limit]), found[limit - 1], True)
        if at < end:
            return AuthoredPage(tuple(found), at, True)
        return AuthoredPage(tuple(found), edge, len(buckets) > 1)

    async def fetch_videos(self, author_id: str, after: str, limit: int) -> list[str]:
        """As CommentStore.authored_videos."""
        return await self._notes.fetch_videos(author_id, after, limit)

    async def _note(self, video_id: str, bucket: int, author_ids: Iterable[str]) -> None:
        new = [one for one in author_ids if not self._noted.get((one, video_id, bucket))]
        if new:
            await self._notes.write(video_id, bucket, new)
            for one in new:
                self._noted.put((one, video_id, bucket), True)

    async def _between(self, author_id: str, video_id: str, after: int, through: int) -> list[int]:
        """Those that are shown, and those that are removed and still kept."""
        texts, shown = await asyncio.gather(
            self._removed.fetch_texts(video_id, after, through),
            self._stored(video_id, after, through),
        )
        mark = b'"author_id":"%s"' % author_id.encode()
        found = {seq for seq, raw in texts.items() if raw.find(mark) >= 0}
        found |= {seq for seq, raw in shown.items() if raw.find(mark) >= 0 and is_comment(raw)}
        return sorted(found)

    async def _stored(self, video_id: str, after: int, through: int) -> dict[int, bytes]:
        stored = dict[int, bytes]()
        while after < through:
            first, raws, after = await self._reads.fetch_stretch(video_id, after, through)
            stored |= enumerate(raws, first)
        return stored
