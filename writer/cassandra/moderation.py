"""What is kept in Cassandra for moderation, beside the logs: see schema.cql.

Invariants: a held comment changes only under the condition that it is as it was read, so the first
decision counts, whatever the clocks of writers say. All else is written so that the order of writes
does not matter.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import msgspec

from wire.errors import Overloaded, StoreUnavailable
from writer.cassandra.driver import CONDITION, READ
from writer.cassandra.errors import Unanswered
from writer.cassandra.pausing import SETTLE_WITHIN_S, pause
from writer.cassandra.rule_rows import SITE
from writer.cassandra.session import CassandraSession
from writer.held import HELD_FOR_MS, MAX_HELD, Held, HeldState, decide
from writer.moderation_store import Call, Erasure

_held = msgspec.json.Decoder(Held)
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

    async def hold(self, video_id: str, held: Held) -> Held:
        """As ModerationStore.hold."""
        found = await self.find_held(video_id, held.id)
        if found is not None:
            return found
        if await self._waiting(video_id, held.held_ms) >= MAX_HELD:
            raise Overloaded("too many comments wait for a moderator")
        # First where it is listed: what is there alone is skipped by the list.
        await self._write("add_held_time", video_id, held.held_ms, held.id)
        body = msgspec.json.encode(held)
        await self._condition("add_held", (video_id, held.id, body))
        return await self._found(video_id, held.id)

    async def find_held(self, video_id: str, held_id: str) -> Held | None:
        """As ModerationStore.find_held."""
        rows = await self._session.call(
            lambda cql: cql.read("held", video_id, held_id, serial=True), profile=READ
        )
        return _held.decode(rows[0][0]) if rows else None

    async def list_held(self, video_id: str, limit: int, held_after_ms: int) -> list[Held]:
        """As ModerationStore.list_held."""
        rows = await self._session.call(
            lambda cql: cql.read("held_since", video_id, held_after_ms, MAX_HELD), profile=READ
        )
        ids = [held_id for (held_id,) in rows]
        bodies = await self._session.call(
            lambda cql: cql.read("held_among", video_id, ids), profile=READ
        )
        found = [_held.decode(body) for (body,) in bodies]
        waiting = [held for held in found if held.state is HeldState.PENDING]
        return sorted(waiting, key=lambda held: (held.held_ms, held.id))[:limit]

    async def decide_held(
        self, video_id: str, held_id: str, state: HeldState, by: str, now_ms: int
    ) -> Held:
        """As ModerationStore.decide_held."""
        deadline, attempt = time.monotonic() + SETTLE_WITHIN_S, 0
        while True:
            held = await self.find_held(video_id, held_id)
            decided = decide(held, state, by, now_ms)
            assert held is not None
            if decided is None:
                return held
            if await self._change(video_id, held, decided):
                await self._write("end_held_time", video_id, held.held_ms, held.id)
                return decided
            attempt += 1
            await _pause(attempt, deadline)

    async def note_held_seq(self, video_id: str, held_id: str, seq: int) -> None:
        """As ModerationStore.note_held_seq."""
        held = await self.find_held(video_id, held_id)
        if held is not None:
            await self._change(video_id, held, msgspec.structs.replace(held, seq=seq))

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
        for held in (_held.decode(body) for (body,) in rows):
            if held.author_id == author_id:
                await self._condition("forget_held", (video_id, held.id))
                await self._write("end_held_time", video_id, held.held_ms, held.id)
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

    async def _waiting(self, video_id: str, held_ms: int) -> int:
        rows = await self._session.call(
            lambda cql: cql.read("held_since", video_id, held_ms - HELD_FOR_MS, MAX_HELD),
            profile=READ,
        )
        return len(rows)

    async def _found(self, video_id: str, held_id: str) -> Held:
        held = await self.find_held(video_id, held_id)
        if held is None:
            raise StoreUnavailable("whether it is held is unknown; send it again")
        return held

    async def _change(self, video_id: str, before: Held, after: Held) -> bool:
        """Whether it is as `after` now; False if somebody else has changed it."""
        old, new = msgspec.json.encode(before), msgspec.json.encode(after)
        await self._condition("change_held", (new, video_id, before.id, old))
        return await self.find_held(video_id, before.id) == after

    async def _condition(self, name: str, values: tuple[object, ...]) -> None:
        """Try it; what became of it is to be read at SERIAL."""
        try:
            await self._session.call(
                lambda cql: cql.conditional([(name, values)]), profile=CONDITION
            )
        except Unanswered:
            return

    async def _write(self, name: str, *values: object) -> None:
        await self._session.call(lambda cql: cql.read(name, *values), profile=READ)


async def _pause(attempt: int, deadline: float) -> None:
    try:
        await pause(attempt, deadline)
    except TimeoutError as exc:
        raise StoreUnavailable("others have changed it each time; send it again") from exc
