"""Notes of who has written in which bucket of a video: one item each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from writer.dynamodb.items import s
from writer.dynamodb.session import DynamoSession

_LISTED_AT_ONCE = 100
# Below all characters of video ids, so that the order of notes is that of videos.
_SEPARATOR, _AFTER_SEPARATOR = "!", '"'


class DynamoNotes:
    """Implements `ports.AuthorNotes`. Has no state."""

    def __init__(self, session: DynamoSession) -> None:
        self._session = session

    async def write(self, video_id: str, bucket: int, author_ids: Iterable[str]) -> None:
        """As ports.AuthorNotes.write."""
        await self._session.put_all(
            [{"pk": s(_author(one)), "sk": s(_note(video_id, bucket))} for one in author_ids]
        )

    async def fetch_buckets(
        self, author_id: str, video_id: str, first: int, limit: int
    ) -> list[int]:
        """As ports.AuthorNotes.fetch_buckets."""
        notes = await self._session.query_all(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":pk": s(_author(author_id)),
                ":first": s(_note(video_id, first)),
                ":last": s(video_id + _AFTER_SEPARATOR),
            },
            limit=limit,
        )
        return [int(note["sk"]["S"].partition(_SEPARATOR)[2]) for note in notes]

    async def fetch_videos(self, author_id: str, after: str, limit: int) -> list[str]:
        """As ports.AuthorNotes.fetch_videos."""
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


def _author(author_id: str) -> str:
    return f"author|{author_id}"


def _note(video_id: str, bucket: int) -> str:
    # The bucket of what is held, -1, comes before all others: a hyphen is below the digits.
    return f"{video_id}{_SEPARATOR}{bucket:011d}"
