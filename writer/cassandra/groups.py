"""Groups in Cassandra: one conditional batch in one partition numbers and inserts a group."""

from __future__ import annotations

import math

from writer.cassandra.driver import CONDITION
from writer.cassandra.layout import Buckets
from writer.cassandra.reads import CassandraReads
from writer.cassandra.session import CassandraSession
from writer.stepwise.group import Room, Sent
from writer.stepwise.ports import Authored


class CassandraGroups:
    """Implements `ports.Groups`. Has no state. A group never crosses the edge of a bucket."""

    heads_for_s = math.inf  # its condition is on the head, which never expires

    def __init__(
        self,
        session: CassandraSession,
        reads: CassandraReads,
        authored: Authored,
        buckets: Buckets,
    ) -> None:
        self._session, self._reads, self._authored = session, reads, authored
        self._buckets = buckets

    def room(self, head: int) -> Room:
        """As ports.Groups.room."""
        return Room(self._buckets.last(self._buckets.after(head)) - head)

    async def prepare(self, sent: Sent) -> None:
        """As ports.Groups.prepare."""
        group = sent.group
        await self._authored.note(sent.video_id, group.head, group.new_head, group.author_ids)

    async def send(self, sent: Sent) -> tuple[bool, int | None]:
        """As ports.Groups.send."""
        group = sent.group
        rows = await self._session.call(
            lambda cql: cql.store(sent.video_id, group, sent.token, self._buckets),
            profile=CONDITION,
        )
        if rows[0]["[applied]"]:
            return True, group.new_head
        head = rows[0].get("head")
        if head is None:
            # There is no head at all where there is no row: an empty bucket, or the store was
            # emptied. The head of an empty bucket is that of the one before.
            return False, self._buckets.head_before(self._buckets.after(group.head))
        return False, int(head)

    async def read_back(
        self, sent: Sent, head: int | None, *, in_doubt: bool
    ) -> tuple[int, bytes | None]:
        """As ports.Groups.read_back."""
        before, answered = sent.group.head, head is not None
        if head is None:
            bucket = self._buckets.after(before)
            head = await self._reads.fetch_bucket_head(sent.video_id, bucket, serial=True)
        found = None
        if head > before:
            found = await self._reads.fetch_token_after(sent.video_id, before, serial=not answered)
        return head, found

    def is_newest(self, head: int) -> bool:
        """As ports.Groups.is_newest: where a bucket is full others may be many buckets further."""
        return head != self._buckets.last(self._buckets.of(head))

    async def finish(self, sent: Sent) -> None:
        """As ports.Groups.finish."""
        head = sent.group.head
        bucket = self._buckets.after(head)
        if head and bucket != self._buckets.of(head):
            await self._reads.write_bucket_hint(sent.video_id, bucket)
