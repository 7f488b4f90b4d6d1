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
from writer.moderation_store import Call, Erasure
from writer.stepwise.moderation import ModerationSteps
from writer.stepwise.rule_rows import SITE

_ERASED, _REVOKED = "erased", "revoked"
_NONCE_DIGITS = 20  # of 64 bits


class DynamoModeration(ModerationSteps):
    """Implements `writer.moderation_store.ModerationStore`. touch, forget_staff: see
    ModerationSteps.
    """

    def __init__(
        self,
        session: DynamoSession,
        touch: Callable[[], Awaitable[None]],
        forget_staff: Callable[[str, str], Awaitable[None]],
    ) -> None:
        super().__init__(DynamoHeld(session), touch, forget_staff)
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

    async def note_erasure(self, erasure: Erasure) -> None:
        """As ModerationStore.note_erasure."""
        at, done = n(erasure.at_ms), {"BOOL": erasure.done}
        await self._session.put({**key(_ERASED, erasure.author_id), "at": at, "done": done})

    async def erasures(self, limit: int, after: str = "") -> list[Erasure]:
        """As ModerationStore.erasures."""
        return [_erasure(item) for item in await self._of_authors(_ERASED, limit, after)]

    async def find_erasure(self, author_id: str) -> Erasure | None:
        """As ModerationStore.find_erasure."""
        item = await self._session.get(key(_ERASED, author_id))
        return None if item is None else _erasure(item)

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
