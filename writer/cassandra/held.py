"""Held comments in Cassandra: tables `held` and `held_times` of schema.cql."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from writer.cassandra.driver import CONDITION, READ
from writer.cassandra.session import MAX_ROWS, CassandraSession
from writer.held import MAX_HELD, Held
from writer.stepwise.errors import Unanswered

_held = msgspec.json.Decoder(Held)


class CassandraHeld:
    """Implements `ports.HeldTable`. Has no state."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def find(self, video_id: str, held_id: str) -> Held | None:
        """As ports.HeldTable.find."""
        rows = await self._session.call(
            lambda cql: cql.read("held", video_id, held_id, serial=True), profile=READ
        )
        return _held.decode(rows[0][0]) if rows else None

    async def list_since(self, video_id: str, held_after_ms: int) -> list[Held]:
        """As ports.HeldTable.list_since."""
        ids = await self._listed(video_id, held_after_ms)
        rows = await self._session.call(
            lambda cql: cql.read("held_among", video_id, ids), profile=READ
        )
        return [_held.decode(body) for (body,) in rows]

    async def list_all(self, video_id: str) -> list[Held]:
        """As ports.HeldTable.list_all."""
        found, after = list[Held](), ""
        while True:
            rows = await self._session.call(
                lambda cql, after=after: cql.read(  # type: ignore[misc]
                    "held_of_video", video_id, after, MAX_ROWS, serial=True
                ),
                profile=READ,
            )
            found += [_held.decode(body) for (body,) in rows]
            if len(rows) < MAX_ROWS:
                return found
            after = found[-1].id

    async def count_since(self, video_id: str, held_after_ms: int) -> int:
        """As ports.HeldTable.count_since."""
        return len(await self._listed(video_id, held_after_ms))

    async def add_time(self, video_id: str, held: Held) -> None:
        """As ports.HeldTable.add_time."""
        await self._write("add_held_time", video_id, held.held_ms, held.id)

    async def end_time(self, video_id: str, held: Held) -> None:
        """As ports.HeldTable.end_time."""
        await self._write("end_held_time", video_id, held.held_ms, held.id)

    async def add(self, video_id: str, held: Held) -> None:
        """As ports.HeldTable.add."""
        await self._condition("add_held", video_id, held.id, msgspec.json.encode(held))

    async def change(self, video_id: str, before: Held, after: Held) -> None:
        """As ports.HeldTable.change."""
        old, new = msgspec.json.encode(before), msgspec.json.encode(after)
        await self._condition("change_held", new, video_id, before.id, old)

    async def forget(self, video_id: str, held: Held) -> None:
        """As ports.HeldTable.forget."""
        await self._condition("forget_held", video_id, held.id)
        await self.end_time(video_id, held)

    async def _listed(self, video_id: str, held_after_ms: int) -> list[str]:
        """Ids of those that were held after a time."""
        rows = await self._session.call(
            lambda cql: cql.read("held_since", video_id, held_after_ms, MAX_HELD), profile=READ
        )
        return [held_id for (held_id,) in rows]

    async def _condition(self, name: str, *values: object) -> None:
        """Try it; what became of it is to be read at SERIAL."""
        with suppress(Unanswered):
            await self._session.call(
                lambda cql: cql.conditional([(name, values)]), profile=CONDITION
            )

    async def _write(self, name: str, *values: object) -> None:
        await self._session.call(lambda cql: cql.read(name, *values), profile=READ)
