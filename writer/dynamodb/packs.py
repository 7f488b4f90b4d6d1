"""Entries by number in DynamoDB: see `stepwise.packs`. A pack is a group.

Invariant: a group is rewritten only if its version is the one that was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from writer.dynamodb.errors import ConditionFailed
from writer.dynamodb.items import n
from writer.dynamodb.layout import body, log_key
from writer.dynamodb.reads import DynamoReads
from writer.dynamodb.session import DynamoSession
from writer.stepwise.errors import Unanswered
from writer.stepwise.lines import unpack
from writer.stepwise.packs import Entries, Pack, fetch_entries


class DynamoPacks:
    """Implements `ports.Packs`. Has no state. The stamp of a pack is its version."""

    def __init__(self, session: DynamoSession, reads: DynamoReads) -> None:
        self._session, self._reads = session, reads

    async def fetch(self, video_id: str, seqs: Iterable[int]) -> Entries:
        """As ports.Packs.fetch."""

        async def read(seq: int) -> Pack | None:
            group = await self._reads.fetch_group(video_id, seq)
            return None if group is None else Pack(group.last, group.lines, group.version)

        return await fetch_entries(read, seqs)

    async def rewrite(self, video_id: str, entries: Entries, raws: Mapping[int, bytes]) -> bool:
        """As ports.Packs.rewrite; one after the other. False also if nobody knows whether one of
        them was rewritten: whoever reads it again sees that, and one that comes late meets another
        version, or makes it what it was to be.
        """
        for pack, lines in entries.rewritten(raws):
            try:
                await self._rewrite(video_id, pack, lines)
            except (ConditionFailed, Unanswered):
                return False
        return True

    async def _rewrite(self, video_id: str, pack: Pack, lines: bytes) -> None:
        first, _ = unpack((pack.last, pack.lines))
        assert pack.stamp is not None
        await self._session.change(
            "update_item",
            Key=log_key(video_id, first),
            UpdateExpression="SET #body = :body, #z = :z, #version = :after",
            ConditionExpression="#version = :before",
            ExpressionAttributeNames={"#body": "body", "#z": "z", "#version": "version"},
            ExpressionAttributeValues={
                ":before": n(pack.stamp),
                ":after": n(pack.stamp + 1),
                **{f":{name}": value for name, value in body(lines).items()},
            },
        )
