"""What is kept in Cassandra for moderation, beside the logs: see schema.cql.

Invariants: a held comment changes only under the condition that it is as it was read, so the first
decision counts, whatever the clocks of writers say. All else is written so that the order of writes
does not matter.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from writer.cassandra.driver import READ
from writer.cassandra.held import CassandraHeld, decode_held
from writer.cassandra.session import CassandraSession
from writer.held import MAX_HELD, Held, HeldState
from writer.moderation_store import Call, Erasure
from writer.stepwise.held import HeldSteps
from writer.stepwise.rule_rows import SITE

_MICROSECONDS = 1_000_000


class CassandraModeration:
    """Implements `writer.moderation_store.ModerationStore`. touch: moves the version of the rules
    of every video.
    """

    def __init__(
        self,
        session: CassandraSession,
        touch: Callable[[], Awaitable[None]],
        forget_staff: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._session, self._touch, self._forget_staff = session, touch, forget_staff
        self._held = CassandraHeld(session)
        self._steps = HeldSteps(self._held)

    async def hold(self, video_id: str, held: Held) -> Held:
        """As ModerationStore.hold."""
        return await self._steps.hold(video_id, held)

    async def find_held(self, video_id: str, held_id: str) -> Held | None:
        """As ModerationStore.find_held."""
        return await self._held.find(video_id, held_id)

    async def list_held(self, video_id: str, limit: int, held_after_ms: int) -> list[Held]:
        """As ModerationStore.list_held."""
        rows = await self._session.call(
            lambda cql: cql.read("held_since", video_id, held_after_ms, MAX_HELD), profile=READ
        )
        ids = [held_id for (held_id,) in rows]
        bodies = await self._session.call(
            lambda cql: cql.read("held_among", video_id, ids), profile=READ
        )
        found = [decode_held(body) for (body,) in bodies]
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
        await self._write("add_call", video_id or SITE, call.at_ms, call.nonce, call.body)

    async def calls(self, video_id: str, limit: int, before: tuple[int, int]) -> list[Call]:
        """As ModerationStore.calls."""
        rows = await self._session.call(
            lambda cql: cql.read("calls", video_id or SITE, *before, limit), profile=READ
        )
        return [Call(*row) for row in rows]

    async def note_erasure(self, erasure: Erasure) -> None:
        """As ModerationStore.note_erasure."""
        await self._write("note_erasure", erasure.author_id, erasure.at_ms, erasure.done)

    async def erasures(self, limit: int, after: str = "") -> list[Erasure]:
        """As ModerationStore.erasures."""
        rows = await self._session.call(
            lambda cql: cql.read("erasures", after, limit), profile=READ
        )
        return [Erasure(*row) for row in rows]

    async def find_erasure(self, author_id: str) -> Erasure | None:
        """As ModerationStore.find_erasure."""
        rows = await self._session.call(lambda cql: cql.read("erasure", author_id), profile=READ)
        return Erasure(*rows[0]) if rows else None

    async def forget_author(self, author_id: str, video_id: str) -> None:
        """As ModerationStore.forget_author."""
        rows = await self._session.call(
            lambda cql: cql.read("held_of_video", video_id, serial=True), profile=READ
        )
        for held in (decode_held(body) for (body,) in rows):
            if held.author_id == author_id:
                await self._held.forget(video_id, held)
        await self._forget_staff(author_id, video_id)

    async def scrub(self) -> None:
        """As ModerationStore.scrub: nothing. The servers drop the bytes as they compact; see
        docs/operations.md for how to make them.
        """

    async def revoke(self, author_id: str, not_before: int) -> None:
        """As ModerationStore.revoke."""
        await self._write("revoke", author_id, not_before, not_before * _MICROSECONDS)
        await self._touch()

    async def revocations(self, limit: int, after: str = "") -> list[tuple[str, int]]:
        """As ModerationStore.revocations."""
        rows = await self._session.call(
            lambda cql: cql.read("revocations", after, limit), profile=READ
        )
        return [(author_id, not_before) for author_id, not_before in rows]

    async def _write(self, name: str, *values: object) -> None:
        await self._session.call(lambda cql: cql.read(name, *values), profile=READ)
