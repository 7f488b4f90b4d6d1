"""What is kept in DynamoDB for moderation, beside the logs.

Invariant: what is not done in steps (see `writer.stepwise.moderation`) is written so that the order
of writes does not matter.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from wire.ids import MAX_SEQ
from writer.dynamodb.errors import ConditionFailed
from writer.dynamodb.held import DynamoHeld
from writer.dynamodb.items import Attributes, Item, b, bytes_in, key, n, number_of, s, seq_key
from writer.dynamodb.session import DynamoSession
from writer.ledger import Ledger
from writer.moderation_store import Call, Erasure
from writer.stepwise.moderation import ModerationSteps
from writer.stepwise.ports import Authored
from writer.stepwise.rule_rows import SITE

_REVOKED = "revoked"
# Erasures that were asked for; and those of them that are not done.
_ERASED, _OPEN = "erased", "erasing"
_AT_NAME = {"#at": "at"}
_NONCE_DIGITS = 20  # of 64 bits


class DynamoModeration(ModerationSteps):
    """Implements `writer.moderation_store.ModerationStore`. ledger, touch, forget_staff:
    see ModerationSteps.
    """

    def __init__(
        self,
        session: DynamoSession,
        authored: Authored,
        ledger: Ledger,
        touch: Callable[[], Awaitable[None]],
        forget_staff: Callable[[str, str], Awaitable[None]],
    ) -> None:
        super().__init__(DynamoHeld(session), authored, ledger, touch, forget_staff)
        self._session = session

    async def note_call(self, video_id: str, call: Call) -> None:
        """As ModerationStore.note_call."""
        sk = _time_and_nonce(call.at_ms, call.nonce)
        await self._session.put({**key(_calls(video_id), sk), "body": b(call.body)})

    async def calls(self, video_id: str, limit: int, before: tuple[int, int]) -> list[Call]:
        """As ModerationStore.calls."""
        items = await self._session.query_all(
            KeyConditionExpression="pk = :pk AND sk < :before",
            ExpressionAttributeValues={
                ":pk": s(_calls(video_id)),
                ":before": s(_time_and_nonce(*before)),
            },
            ScanIndexForward=False,
            limit=limit,
        )
        return [_call(item) for item in items]

    async def scrub(self) -> None:
        """As ModerationStore.scrub: nothing. Of what lies where the service keeps it nobody else
        knows; backups that were made before have what was in the table then.
        """

    async def revoke(self, author_id: str, not_before: int) -> None:
        """As ModerationStore.revoke."""
        with suppress(ConditionFailed):  # a later one is there
            await self._session.write(
                "put_item",
                Item={**key(_REVOKED, author_id), "not_before": n(not_before)},
                ConditionExpression="attribute_not_exists(pk) OR not_before < :not_before",
                ExpressionAttributeValues={":not_before": n(not_before)},
            )
        await self._touch()

    async def revocations(self, limit: int, after: str = "") -> list[tuple[str, int]]:
        """As ModerationStore.revocations."""
        items = await self._of_authors(_REVOKED, limit, after)
        return [(item["sk"]["S"], number_of(item["not_before"])) for item in items]

    async def _write_erasure(self, erasure: Erasure) -> None:
        author_id, at_ms, done, _ = erasure
        item = {"at": n(at_ms), "done": {"BOOL": done}}
        if not done:  # first where it is looked for
            await self._put_erasure({**key(_OPEN, author_id), **item})
        await self._put_erasure({**key(_ERASED, author_id), **item})
        if not done:
            return
        with suppress(ConditionFailed):  # it was asked for again since
            await self._session.write(
                "delete_item",
                Key=key(_OPEN, author_id),
                ConditionExpression="#at <= :at",
                ExpressionAttributeNames=_AT_NAME,
                ExpressionAttributeValues={":at": n(at_ms)},
            )

    async def _list_open(self, limit: int, after: str) -> list[Erasure]:
        return [_erasure(item) for item in await self._of_authors(_OPEN, limit, after)]

    async def _find_erasure(self, author_id: str) -> Erasure | None:
        item = await self._session.get(key(_ERASED, author_id))
        return None if item is None else _erasure(item)

    async def _put_erasure(self, item: Item) -> None:
        """Unless one that was asked for later is there, or this one is done."""
        with suppress(ConditionFailed):
            await self._session.write(
                "put_item",
                Item=item,
                ConditionExpression="attribute_not_exists(pk) OR #at < :at"
                " OR (#at = :at AND done = :undone)",
                ExpressionAttributeNames=_AT_NAME,
                ExpressionAttributeValues={":at": item["at"], ":undone": {"BOOL": False}},
            )

    async def _of_authors(self, pk: str, limit: int, after: str) -> list[Item]:
        """In the order of their ids."""
        condition, values = "pk = :pk", {":pk": s(pk)}
        if after:  # a key is never ""
            condition += " AND sk > :after"
            values[":after"] = s(after)
        params: dict[str, Any] = {
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }
        return await self._session.query_all(limit=limit, **params)


def _calls(video_id: str) -> str:
    return f"calls|{video_id or SITE}"


def _time_and_nonce(at_ms: int, nonce: int) -> str:
    return f"{seq_key(min(max(at_ms, 0), MAX_SEQ))}|{max(nonce, 0):0{_NONCE_DIGITS}d}"


def _call(item: Attributes) -> Call:
    at_ms, _, nonce = item["sk"]["S"].partition("|")
    return Call(int(at_ms), int(nonce), bytes_in(item, "body") or b"")


def _erasure(item: Attributes) -> Erasure:
    return Erasure(item["sk"]["S"], number_of(item["at"]), bool(item["done"]["BOOL"]))
