"""Where an author has written, to find all that an author wrote.

Invariant: that an author writes among the numbers of a bucket is noted before the comment is
stored; so whoever reads the note and then those numbers misses none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wire.entry import is_comment
from writer.dynamodb.items import s
from writer.dynamodb.layout import AUTHOR_BUCKET, HELD_BUCKET, author_bucket
from writer.dynamodb.reads import DynamoReads
from writer.dynamodb.removed import DynamoRemoved
from writer.dynamodb.session import DynamoSession
from writer.recent_values import RecentValues

MAX_NOTES_KNOWN = 100_000  # so that nearly no post has to write one
_LISTED_AT_ONCE = 100
# Below all characters of video ids, so that the order of notes is that of videos.
_SEPARATOR, _AFTER_SEPARATOR = "!", '"'


class DynamoAuthored:
    """Implements `ports.Authored`. Owns what is remembered of notes that were written."""

    def __init__(self, session: DynamoSession, reads: DynamoReads, removed: DynamoRemoved) -> None:
        self._session, self._reads, self._removed = session, reads, removed
        self._noted = RecentValues[tuple[str, str, int], bool](MAX_NOTES_KNOWN)

    async def note(self, video_id: str, bucket: int, author_ids: Iterable[str]) -> None:
        """To be called before comments of these authors are stored in a bucket. Raises
        StoreUnavailable; they must not be stored then.
        """
        new = [one for one in set(author_ids) if not self._noted.get((one, video_id, bucket))]
        if not new:
            return
        await self._session.put_all(
            [{"pk": s(_author(one)), "sk": s(_note(video_id, bucket))} for one in new]
        )
        for one in new:
            self._noted.put((one, video_id, bucket), True)

    async def note_held(self, author_id: str, video_id: str) -> None:
        """As ports.Authored.note_held."""
        await self.note(video_id, HELD_BUCKET, [author_id])

    async def fetch(self, author_id: str, video_id: str, after: int, limit: int) -> list[int]:
        """As CommentStore.authored."""
        notes = await self._session.query_all(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":pk": s(_author(author_id)),
                ":first": s(_note(video_id, author_bucket(after + 1))),
                ":last": s(video_id + _AFTER_SEPARATOR),
            },
        )
        found: list[int] = []
        for note in notes:
            bucket = int(note["sk"]["S"].partition(_SEPARATOR)[2])
            in_bucket = await self._in_bucket(author_id, video_id, bucket)
            found += [seq for seq in in_bucket if seq > after]
            if len(found) >= limit:
                break
        return found[:limit]

    async def fetch_videos(self, author_id: str, after: str, limit: int) -> list[str]:
        """As CommentStore.authored_videos."""
        found: list[str] = []
        while len(found) < limit:
            values: dict[str, Any] = {":pk": s(_author(author_id)), ":after": s(" ")}
            if after:
                values[":after"] = s(after + _AFTER_SEPARATOR)
            notes = await self._session.query_all(
                KeyConditionExpression="pk = :pk AND sk > :after",
                ExpressionAttributeValues=values,
                limit=_LISTED_AT_ONCE,
            )
            if not notes:
                break
            videos = [note["sk"]["S"].partition(_SEPARATOR)[0] for note in notes]
            found += list(dict.fromkeys(videos))
            after = found[-1]
        return found[:limit]

    async def _in_bucket(self, author_id: str, video_id: str, bucket: int) -> list[int]:
        """Those that are shown, and those that are removed and still kept."""
        mark = b'"author_id":"%s"' % author_id.encode()
        at, last = bucket * AUTHOR_BUCKET, (bucket + 1) * AUTHOR_BUCKET
        last, found = min(last, await self._reads.fetch_head(video_id)), set[int]()
        begin = at + 1
        while at < last:
            first, raws, at = await self._reads.fetch_stretch(video_id, at, last)
            shown = enumerate(raws, first)
            found |= {seq for seq, raw in shown if raw.find(mark) >= 0 and is_comment(raw)}
        texts = await self._removed.fetch_texts(video_id, begin, last)
        found |= {seq for seq, raw in texts.items() if raw.find(mark) >= 0}
        return sorted(found)


def _author(author_id: str) -> str:
    return f"author|{author_id}"


def _note(video_id: str, bucket: int) -> str:
    # The bucket of what is held, -1, comes before all others: a hyphen is below the digits.
    return f"{video_id}{_SEPARATOR}{bucket:011d}"
