"""Held comments in DynamoDB: an item for each, and one that lists it under its time."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

import msgspec

from writer.dynamodb.errors import ConditionFailed
from writer.dynamodb.items import Attributes, Item, b, bytes_in, is_gone, key, n, s, seq_key
from writer.dynamodb.session import DynamoSession
from writer.held import HELD_KEPT_S, MAX_HELD, Held
from writer.stepwise.errors import Unanswered

_held = msgspec.json.Decoder(Held)
_TIME_DIGITS = 15
_COUNTS_AT_ONCE = 4  # of the session's calls: each reads all that wait for a moderator
_TTL_NAME = {"#ttl": "ttl"}


class DynamoHeld:
    """Implements `ports.HeldTable`."""

    def __init__(self, session: DynamoSession) -> None:
        self._session = session
        self._count_turns = asyncio.Semaphore(_COUNTS_AT_ONCE)

    async def find(self, video_id: str, held_id: str) -> Held | None:
        """As ports.HeldTable.find."""
        item = await self._session.get(_key(video_id, held_id))
        return None if item is None or is_gone(item) else _decode(item)

    async def list_since(self, video_id: str, held_after_ms: int) -> list[Held]:
        """As ports.HeldTable.list_since."""
        ids = await self._listed(video_id, held_after_ms)
        items = await self._session.get_all([_key(video_id, one) for one in set(ids)])
        return [_decode(item) for item in items if not is_gone(item)]

    async def list_all(self, video_id: str) -> list[Held]:
        """As ports.HeldTable.list_all, whether or not it is over."""
        items = await self._session.query_all(
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": s(_pk(video_id))},
        )
        return [_decode(item) for item in items]

    async def count_since(self, video_id: str, held_after_ms: int) -> int:
        """As ports.HeldTable.count_since. (None is over that was held so lately.)"""
        async with self._count_turns:
            return await self._count_since(video_id, held_after_ms)

    async def add_time(self, video_id: str, held: Held) -> None:
        """As ports.HeldTable.add_time."""
        await self._session.put({**_time_key(video_id, held), "ttl": _ends()})

    async def end_time(self, video_id: str, held: Held) -> None:
        """As ports.HeldTable.end_time."""
        await self._session.delete(_time_key(video_id, held))

    async def add(self, video_id: str, held: Held) -> None:
        """As ports.HeldTable.add."""
        with suppress(ConditionFailed, Unanswered):
            await self._session.change(
                "put_item",
                Item=_item(video_id, held),
                ConditionExpression="attribute_not_exists(pk) OR #ttl <= :now",
                ExpressionAttributeNames=_TTL_NAME,
                ExpressionAttributeValues={":now": n(int(time.time()))},
            )

    async def change(self, video_id: str, before: Held, after: Held) -> None:
        """As ports.HeldTable.change."""
        with suppress(ConditionFailed, Unanswered):
            await self._session.change(
                "put_item",
                Item=_item(video_id, after),
                ConditionExpression="body = :before",
                ExpressionAttributeValues={":before": b(msgspec.json.encode(before))},
            )

    async def forget(self, video_id: str, held: Held) -> None:
        """As ports.HeldTable.forget."""
        await self._session.delete(_key(video_id, held.id))
        await self.end_time(video_id, held)

    async def _count_since(self, video_id: str, held_after_ms: int) -> int:
        count, more = 0, dict[str, Any]()
        while count < MAX_HELD:
            reply = await self._session.read(
                "query",
                Select="COUNT",
                Limit=MAX_HELD - count,
                **_listed_after(video_id, held_after_ms),
                **more,
            )
            count += reply["Count"]
            if "LastEvaluatedKey" not in reply:
                break
            more = {"ExclusiveStartKey": reply["LastEvaluatedKey"]}
        return count

    async def _listed(self, video_id: str, held_after_ms: int) -> list[str]:
        """Ids; the first MAX_HELD after the time."""
        items = await self._session.query_all(
            limit=MAX_HELD, **_listed_after(video_id, held_after_ms)
        )
        now_s = time.time()
        return [item["sk"]["S"][_TIME_DIGITS + 1 :] for item in items if not is_gone(item, now_s)]


def _pk(video_id: str) -> str:
    return f"held|{video_id}"


def _key(video_id: str, held_id: str) -> Item:
    return key(_pk(video_id), held_id)


def _times_of(video_id: str) -> str:
    return f"heldtime|{video_id}"


def _time_key(video_id: str, held: Held) -> Item:
    return key(_times_of(video_id), f"{seq_key(held.held_ms)}|{held.id}")


def _listed_after(video_id: str, held_after_ms: int) -> dict[str, Any]:
    """A query for what was held after a time."""
    return {
        "KeyConditionExpression": "pk = :pk AND sk >= :from",
        "ExpressionAttributeValues": {
            ":pk": s(_times_of(video_id)),
            ":from": s(seq_key(max(held_after_ms + 1, 0))),
        },
    }


def _item(video_id: str, held: Held) -> Item:
    return {**_key(video_id, held.id), "body": b(msgspec.json.encode(held)), "ttl": _ends()}


def _ends() -> Item:
    return n(int(time.time() + HELD_KEPT_S))


def _decode(item: Attributes) -> Held:
    return _held.decode(bytes_in(item, "body") or b"")
