"""Marks: where the comment that has an idempotency key may be, and the last use of a slot.

Invariant: before a group that has a key is stored after head H, the key's mark is put with
`after` = H; whoever does so has searched all up to H. So whoever knows head N for certain, and then
finds no mark, knows that no comment up to N has the key; a mark that is found says from where on it
has to be searched for. Marks of keys are put without a condition: one that comes late is only a
lower bound, and costs a longer search.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from writer.dynamodb.errors import ConditionFailed
from writer.dynamodb.items import Item, b, is_gone, key, n, number_of
from writer.dynamodb.session import DynamoSession


class Mark(NamedTuple):
    """after: up to this number all was searched; used_ms: the last use of a slot up to there, 0 if
    there is none; claim_ms, token: the use by the group that is to be stored next. Milliseconds
    since 1970.
    """

    after: int
    used_ms: int = 0
    claim_ms: int = 0
    token: bytes = b""


class DynamoMarks:
    """Has no state."""

    def __init__(self, session: DynamoSession) -> None:
        self._session = session

    async def fetch(self, video_id: str, names: Iterable[str]) -> dict[str, Mark]:
        """Those that are there and not gone. Raises StoreUnavailable."""
        begin, now_s = len(_pk(video_id, "")), time.time()
        items = await self._session.get_all([_key(video_id, name) for name in dict.fromkeys(names)])
        return {item["pk"]["S"][begin:]: _mark(item) for item in items if not is_gone(item, now_s)}

    async def put(self, video_id: str, marks: Mapping[str, tuple[Mark, int]]) -> None:
        """Each with the seconds that it stays. Raises StoreUnavailable; some may be there then."""
        await self._session.put_all(
            [_item(video_id, name, mark, keep_s) for name, (mark, keep_s) in marks.items()]
        )

    async def put_forward(self, video_id: str, marks: Mapping[str, tuple[Mark, int]]) -> None:
        """The same, but a mark of a higher number stays: then who puts this one has an old head,
        and stores no group.
        """
        puts = (
            self._session.write(
                "put_item",
                Item=_item(video_id, name, mark, keep_s),
                ConditionExpression="attribute_not_exists(pk) OR #after <= :after",
                ExpressionAttributeNames={"#after": "after"},
                ExpressionAttributeValues={":after": n(mark.after)},
            )
            for name, (mark, keep_s) in marks.items()
        )
        for outcome in await asyncio.gather(*puts, return_exceptions=True):
            if isinstance(outcome, BaseException) and not isinstance(outcome, ConditionFailed):
                raise outcome


def _pk(video_id: str, name: str) -> str:
    return f"mark|{video_id}|{name}"


def _key(video_id: str, name: str) -> Item:
    return key(_pk(video_id, name))


def _item(video_id: str, name: str, mark: Mark, keep_s: int) -> Item:
    return {
        **_key(video_id, name),
        "after": n(mark.after),
        "used": n(mark.used_ms),
        "claim": n(mark.claim_ms),
        "token": b(mark.token),
        "ttl": n(int(time.time()) + keep_s),
    }


def _mark(item: Item) -> Mark:
    return Mark(
        number_of(item["after"]),
        number_of(item["used"]),
        number_of(item["claim"]),
        bytes(item["token"]["B"]),
    )
