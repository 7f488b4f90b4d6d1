"""What is kept in DynamoDB for moderation, beside the logs.

Invariants: a held comment changes only under the condition that it is as it was read, so the first
decision counts, whatever the clocks of writers say. All else is written so that the order of writes
does not matter.
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
from writer.held import Held, HeldState
from writer.moderation_store import Call, Erasure
from writer.stepwise.held import HeldSteps
from writer.stepwise.rule_rows import SITE

_ERASED, _REVOKED = "erased", "revoked"
_NONCE_DIGITS = 20  # of 64 bits


class DynamoModeration:
    """Implements `writer.moderation_store.ModerationStore`. touch: moves the version of the rules
    of every video.
    """

    def __init__(
        self,
        session: DynamoSession,
        touch: Callable[[], Awaitable[None]],
        forget_staff: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._session, self._touch, self._forget_staff = session, touch, forget_staff
        self._held = DynamoHeld(session)
        self._steps = HeldSteps(self._held)

    async def hold(self, video_id: str, held: Held) -> Held:
        """As ModerationStore.hold."""
        return await self._steps.hold(video_id, held)

    async def find_held(self, video_id: str, held_id: str) -> Held | None:
        """As ModerationStore.find_held."""
        return await self._held.find(video_id, held_id)

    async def list_held(self, video_id: str, limit: int, held_after_ms: int) -> list[Held]:
        """As ModerationStore.list_held."""
        found = await self._held.list_since(video_id, held_after_ms)
        waiting = [held for held in found if held.state is HeldState.PENDING]
        return sorted(waiting, key=lambda held: (held.held_ms, held.id))[:limit]

    async def decide_held(
        self, video_id: str, held_id: str, state: HeldState, by: str, now_ms: int
    ) -> Held:
        """As ModerationStore.decide_held."""
        return await self._steps.decide(video_id, held_id, state, by, now_ms)

    async def note_held_seq(self, video_id: str, held_id: str, seq: int) -> None:
        """As ModerationStore.note_held_seq."""
        await self._steps.note_seq(video_id, held_id, seq)

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

    async def forget_author(self, author_id: str, video_id: str) -> None:
        """As ModerationStore.forget_author."""
        for held in await self._held.list_all(video_id):
            if held.author_id == author_id:
                await self._held.forget(video_id, held)
        await self._forget_staff(author_id, video_id)

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
