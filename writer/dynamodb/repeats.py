"""Which comments may have been repeated by entries that pinned them.

Invariant: before an entry that repeats a comment is numbered, a number below it is noted here. The
lowest one stays, so whoever searches the log from it finds all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from writer.dynamodb.errors import ConditionFailed
from writer.dynamodb.items import Item, key, n, number_of, seq_key, seq_of
from writer.dynamodb.session import DynamoSession


class DynamoRepeats:
    """Implements `ports.Repeats`. Has no state."""

    def __init__(self, session: DynamoSession) -> None:
        self._session = session

    async def note(self, video_id: str, seq: int, since: int) -> None:
        """As ports.Repeats.note."""
        with suppress(ConditionFailed):  # a lower one is there
            await self._session.write(
                "put_item",
                Item={**_key(video_id, seq), "since": n(since)},
                ConditionExpression="attribute_not_exists(pk) OR since > :since",
                ExpressionAttributeValues={":since": n(since)},
            )

    async def fetch(self, video_id: str, seqs: Iterable[int]) -> dict[int, int]:
        """As ports.Repeats.fetch."""
        items = await self._session.get_all([_key(video_id, seq) for seq in set(seqs)])
        return {seq_of(item): number_of(item["since"]) for item in items}


def _key(video_id: str, seq: int) -> Item:
    return key(f"repeats|{video_id}", seq_key(seq))
