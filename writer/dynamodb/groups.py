"""Groups in DynamoDB: one conditional put numbers and stores a group.

Invariants: its condition is that no item has the key (video, head + 1). As a head is always the end
of a group, whoever numbers from a head that is too low meets an item under that key, as long as
those groups are stored; so a head is used for HEADS_FOR_S at most, far less than they stay. A group
is sent again only as it was: the token in the item tells which of two attempts of whom was first.
"""

from __future__ import annotations

import time

from writer.dynamodb.errors import ConditionFailed
from writer.dynamodb.layout import MAX_GROUP_BYTES, group_item
from writer.dynamodb.reads import DynamoReads, Newest
from writer.dynamodb.retention import DynamoRetention
from writer.dynamodb.session import DynamoSession
from writer.dynamodb.slots import DynamoSlots
from writer.stepwise.append import boot_time
from writer.stepwise.errors import NotSent
from writer.stepwise.group import Room, Sent
from writer.stepwise.ports import Authored
from writer.store import MAX_GROUP

HEADS_FOR_S = 3600.0  # the shortest retention is a day
_AND_THE_CALL_S = 60.0  # what is sent later than this was held up by a machine that slept


class DynamoGroups:
    """Implements `ports.Groups`. Has no state of its own."""

    heads_for_s = HEADS_FOR_S

    def __init__(
        self,
        session: DynamoSession,
        reads: DynamoReads,
        authored: Authored,
        slots: DynamoSlots,
        retention: DynamoRetention,
    ) -> None:
        self._session, self._reads = session, reads
        self._authored, self._slots, self._retention = authored, slots, retention

    def room(self, head: int) -> Room:
        """As ports.Groups.room."""
        return Room(MAX_GROUP, MAX_GROUP_BYTES)

    async def prepare(self, sent: Sent) -> None:
        """As ports.Groups.prepare."""
        group = sent.group
        await self._slots.write_hints(sent)
        await self._authored.note(sent.video_id, group.head, group.new_head, group.author_ids)

    async def send(self, sent: Sent) -> tuple[bool, int | None]:
        """As ports.Groups.send."""
        if boot_time() - sent.known_at > HEADS_FOR_S + _AND_THE_CALL_S:
            raise NotSent("the head is too old")
        try:
            await self._session.change(
                "put_item",
                Item=group_item(sent, time.time()),
                ConditionExpression="attribute_not_exists(pk)",
            )
        except ConditionFailed:
            return False, await self._reads.fetch_head(sent.video_id)
        return True, sent.group.new_head

    async def read_back(
        self, sent: Sent, head: int | None, *, in_doubt: bool
    ) -> tuple[int, bytes | None]:
        """As ports.Groups.read_back."""
        if head is None:
            head = await self._reads.fetch_head(sent.video_id)
        elif not in_doubt:
            return head, None
        before, found = sent.group.head, None
        if head > before:
            found = await self._reads.fetch_group_from(sent.video_id, before + 1)
        return head, None if found is None else found.token

    def is_newest(self, head: int) -> bool:
        """As ports.Groups.is_newest: heads are always read."""
        return True

    async def finish(self, sent: Sent) -> None:
        """As ports.Groups.finish."""
        video_id, group = sent.video_id, sent.group
        before = self._reads.find_newest(video_id)
        if before is not None and before.last == group.head:
            self._retention.offer(video_id, before.first)
        self._reads.note_newest(video_id, Newest(group.head + 1, group.new_head))
        self._slots.note_stored(sent)
