"""When groups go: an attribute `ttl`, by which the service deletes them some time later.

Invariant: the newest group has none, so heads never go back. A group gets it when a newer one is
known to be stored. One that does not, because this process ends or the calls fail, only stays
longer.
"""

from __future__ import annotations

import asyncio

from wire.errors import StoreUnavailable
from writer.dynamodb.errors import ConditionFailed
from writer.dynamodb.items import n
from writer.dynamodb.layout import log_key
from writer.dynamodb.session import DynamoSession

MAX_WAITING = 1_000  # groups that are to get their `ttl`; one more stays longer
_AT_ONCE = 16
_STOP_WITHIN_S = 2.0


class DynamoRetention:
    """Owns the tasks that write `ttl`. retention_s: how long groups stay, 0: for ever. lost: groups
    that got none.
    """

    def __init__(self, session: DynamoSession, retention_s: int) -> None:
        self._session, self._retention_s = session, retention_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self.lost = 0

    @property
    def waiting(self) -> int:
        """Groups whose `ttl` is not written yet."""
        return len(self._tasks)

    def offer(self, video_id: str, first: int) -> None:
        """The group that begins with a number is not the newest one any more."""
        if not self._retention_s:
            return
        if len(self._tasks) >= MAX_WAITING:
            self.lost += 1
            return
        task = asyncio.ensure_future(self._write(video_id, first))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Finish, within _STOP_WITHIN_S. Idempotent."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_STOP_WITHIN_S)
        left = list(self._tasks)
        self.lost += len(left)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _write(self, video_id: str, first: int) -> None:
        try:
            async with self._turns:
                await self._session.write(
                    "update_item",
                    Key=log_key(video_id, first),
                    UpdateExpression="SET #ttl = #at + :stays",
                    ConditionExpression="attribute_exists(pk)",
                    ExpressionAttributeNames={"#ttl": "ttl", "#at": "at"},
                    ExpressionAttributeValues={":stays": n(self._retention_s)},
                )
        except (StoreUnavailable, ConditionFailed):
            self.lost += 1
