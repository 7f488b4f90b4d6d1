"""What is kept in Cassandra for moderation, beside the logs: see schema.cql.

Invariant: what is not done in steps (see `writer.stepwise.moderation`) is written so that the order
of writes does not matter.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from writer.cassandra.driver import READ
from writer.cassandra.held import CassandraHeld
from writer.cassandra.session import CassandraSession
from writer.ledger import Ledger
from writer.moderation_store import Call, Erasure
from writer.stepwise.moderation import ModerationSteps
from writer.stepwise.ports import Authored
from writer.stepwise.rule_rows import SITE

_MICROSECONDS = 1_000_000
_PER_MS = 1_000  # microseconds
_OPEN = "open"  # in place of SITE in table `erased`: those that are not done


class CassandraModeration(ModerationSteps):
    """Implements `writer.moderation_store.ModerationStore`. ledger, touch, forget_staff:
    see ModerationSteps.
    """

    def __init__(
        self,
        session: CassandraSession,
        authored: Authored,
        ledger: Ledger,
        touch: Callable[[], Awaitable[None]],
        forget_staff: Callable[[str, str], Awaitable[None]],
    ) -> None:
        super().__init__(CassandraHeld(session), authored, ledger, touch, forget_staff)
        self._session = session

    async def note_call(self, video_id: str, call: Call) -> None:
        """As ModerationStore.note_call."""
        await self._write("add_call", video_id or SITE, call.at_ms, call.nonce, call.body)

    async def calls(self, video_id: str, limit: int, before: tuple[int, int]) -> list[Call]:
        """As ModerationStore.calls."""
        rows = await self._session.call(
            lambda cql: cql.read("calls", video_id or SITE, *before, limit), profile=READ
        )
        return [Call(*row) for row in rows]

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

    async def _write_erasure(self, erasure: Erasure) -> None:
        author_id, at_ms, done, _ = erasure
        stamp = at_ms * _PER_MS + done
        if not done:  # first where it is looked for
            await self._write("note_erasure", _OPEN, author_id, at_ms, done, stamp)
        await self._write("note_erasure", SITE, author_id, at_ms, done, stamp)
        if done:
            await self._write("end_erasure", stamp, _OPEN, author_id)

    async def _list_open(self, limit: int, after: str) -> list[Erasure]:
        rows = await self._session.call(
            lambda cql: cql.read("erasures", _OPEN, after, limit), profile=READ
        )
        return [Erasure(*row) for row in rows]

    async def _find_erasure(self, author_id: str) -> Erasure | None:
        rows = await self._session.call(lambda cql: cql.read("erasure", author_id), profile=READ)
        return Erasure(*rows[0]) if rows else None

    async def _write(self, name: str, *values: object) -> None:
        await self._session.call(lambda cql: cql.read(name, *values), profile=READ)
