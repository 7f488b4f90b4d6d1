"""Heads and ranges from DynamoDB, and which comments retention has removed.

Invariants: all reads are strongly consistent. A group past its `ttl` is gone, whether or not the
service has deleted it yet. The newest group never has one (see `retention`), so heads never go
back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from writer.dynamodb.items import is_gone, number_of, s, seq_key, seq_of
from writer.dynamodb.layout import StoredGroup, log_key, log_of, stored_group
from writer.dynamodb.session import DynamoSession
from writer.recent_values import RecentValues
from writer.stepwise.lines import Row, consecutive
from writer.stepwise.oldest import search_first
from writer.stepwise.paging import MAX_VIDEOS_KNOWN, PagedReads
from writer.store import MAX_GROUP

_SPAN = 1_000  # numbers in one read of a search through the log
_BOUNDS = {"#last": "last", "#ttl": "ttl"}


class Newest(NamedTuple):
    """The newest group of a video: its first number, and its last one, the head."""

    first: int
    last: int


class DynamoReads(PagedReads):
    """Implements `ports.Reads`; owns what is remembered of the ends of logs."""

    def __init__(self, session: DynamoSession) -> None:
        super().__init__()
        self._session = session
        self._newest = RecentValues[str, Newest](MAX_VIDEOS_KNOWN)

    async def fetch_head(self, video_id: str, *, serial: bool = False) -> int:
        """The newest number; all reads are `serial`."""
        found = await self._one_down(video_id, None, _BOUNDS)
        if found is None:
            return 0
        newest = Newest(seq_of(found), number_of(found["last"]))
        self.note_newest(video_id, newest)
        return newest.last

    async def fetch_stretch(
        self, video_id: str, after: int, through: int
    ) -> tuple[int, list[bytes], int]:
        """As ports.Reads.fetch_stretch."""
        end = min(through, after + _SPAN)
        return *await self._newest_run(video_id, after, end), end

    async def fetch_group(self, video_id: str, seq: int) -> StoredGroup | None:
        """The group that holds a number, None if it is not stored (any more)."""
        item = await self._one_down(video_id, seq)
        if item is None or is_gone(item):
            return None
        group = stored_group(item)
        return group if group.last >= seq else None

    async def fetch_group_from(self, video_id: str, first: int) -> StoredGroup | None:
        """The group that begins with a number, gone or not."""
        reply = await self._session.read("get_item", Key=log_key(video_id, first))
        return stored_group(reply["Item"]) if "Item" in reply else None

    async def fetch_groups(
        self, video_id: str, first: int, last: int, limit: int | None = None
    ) -> list[StoredGroup]:
        """The groups that begin in first <= seq <= last, gone or not, at most `limit`."""
        if first > last:
            return []
        between = "pk = :pk AND sk BETWEEN :first AND :last"
        values = {
            ":pk": s(log_of(video_id)),
            ":first": s(seq_key(first)),
            ":last": s(seq_key(last)),
        }
        items = await self._session.query_all(
            KeyConditionExpression=between, ExpressionAttributeValues=values, limit=limit
        )
        return [stored_group(item) for item in items]

    def note_newest(self, video_id: str, newest: Newest) -> None:
        """A group that is stored, and was the newest one at that moment."""
        known = self._newest.get(video_id)
        if known is None or known.last < newest.last:
            self._newest.put(video_id, newest)

    def find_newest(self, video_id: str) -> Newest | None:
        """The newest group that this process knows of."""
        return self._newest.get(video_id)

    async def _one_down(
        self, video_id: str, seq: int | None, only: Mapping[str, str] | None = None
    ) -> dict[str, Any] | None:
        """The item of the last group that begins at or before a number (None: of the newest one);
        `only`: just its key and these attributes.
        """
        values = {":pk": s(log_of(video_id))}
        condition = "pk = :pk"
        if seq is not None:
            condition += " AND sk <= :seq"
            values[":seq"] = s(seq_key(seq))
        more: dict[str, Any] = {}
        if only is not None:
            more = {
                "ProjectionExpression": ", ".join(["pk", "sk", *only]),
                "ExpressionAttributeNames": dict(only),
            }
        reply = await self._session.read(
            "query",
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ScanIndexForward=False,
            Limit=1,
            **more,
        )
        items = reply["Items"]
        return items[0] if items else None

    async def _newest_run(
        self, video_id: str, after: int, last: int, *, gone: bool = False
    ) -> tuple[int, list[bytes]]:
        return consecutive(await self._rows(video_id, after, last), after, last)

    async def _rows(self, video_id: str, after: int, through: int) -> list[Row]:
        if after >= through:
            return []
        # The group that holds the first number may begin long before it.
        group, groups = await asyncio.gather(
            self.fetch_group(video_id, after + 1),
            self.fetch_groups(video_id, after + 2, through),
        )
        found = groups if group is None else [group, *groups]
        return [(group.last, group.lines) for group in found if not group.gone]

    # Retention

    async def _first_stored(self, video_id: str, oldest: int, head: int) -> int:
        async def first_at(seq: int) -> int | None:
            item = await self._one_down(video_id, seq, _BOUNDS)
            if item is None or is_gone(item) or number_of(item["last"]) < seq:
                return None
            return seq_of(item)

        return await search_first(first_at, oldest, head, MAX_GROUP)
