"""Erasures in the embedded store: in its file, and in the ledger beside it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from writer.ledger import NOTHING, Ledger
from writer.moderation_store import Erasure

Work = Callable[[sqlite3.Connection], Any]
Run = Callable[[Work], Awaitable[Any]]


class SqliteErasures:
    """Implements a part of `writer.moderation_store.ModerationStore`; `write` and `read` as for
    `SqliteModeration`.
    """

    def __init__(self, path: Path, write: Run, read: Run) -> None:
        self._write, self._read = write, read
        self._ledger = Ledger(path.with_name(f"{path.name}.erasures"))
        self._compared = NOTHING.stamp  # of a ledger that has nothing the file does not know

    async def note_erasure(self, erasure: Erasure) -> None:
        """As ModerationStore.note_erasure. The ledger has it before the file does."""
        if not erasure.done:
            await asyncio.to_thread(self._ledger.add, erasure.author_id, erasure.at_ms)
        await self._write(
            lambda connection: (
                connection.execute(
                    "INSERT INTO erased VALUES (?, ?, ?) ON CONFLICT (author_id) DO UPDATE"
                    " SET at_ms = excluded.at_ms, done = excluded.done"
                    " WHERE (excluded.at_ms, excluded.done) > (at_ms, done)",
                    erasure[:3],
                ).rowcount
            )
        )

    async def open_erasures(self, limit: int, after: str = "") -> list[Erasure]:
        """As ModerationStore.open_erasures. The ledger is compared with the file when it is new
        here or has changed, and as long as it has something that the file does not know.
        """

        def read(connection: sqlite3.Connection) -> list[Erasure]:
            found, stamp = _erasures(connection, "WHERE NOT done"), self._ledger.read().stamp
            if stamp != self._compared:
                restored = self._restored(connection)
                self._compared = self._compared if restored else stamp
                found |= restored
            return [found[one] for one in sorted(found) if one > after][:limit]

        undone: list[Erasure] = await self._read(read)
        return undone

    async def find_erasure(self, author_id: str) -> Erasure | None:
        """As ModerationStore.find_erasure."""

        def read(connection: sqlite3.Connection) -> Erasure | None:
            found = _erasures(connection, "WHERE author_id = ?", author_id)
            at_ms = self._ledger.read().at_ms.get(author_id)
            known = found.get(author_id)
            if at_ms is None or (known is not None and known.at_ms >= at_ms):
                return known
            return Erasure(author_id, at_ms, False, restored=True)

        erasure: Erasure | None = await self._read(read)
        return erasure

    def _restored(self, connection: sqlite3.Connection) -> dict[str, Erasure]:
        """Those of the ledger that the file does not know: it is an older copy."""
        known = _erasures(connection)
        return {
            author_id: Erasure(author_id, at_ms, False, restored=True)
            for author_id, at_ms in self._ledger.read().at_ms.items()
            if author_id not in known or known[author_id].at_ms < at_ms
        }


def _erasures(connection: sqlite3.Connection, where: str = "", *values: str) -> dict[str, Erasure]:
    query = f"SELECT author_id, at_ms, done FROM erased {where}"  # noqa: S608 - ours
    return {
        row[0]: Erasure(row[0], row[1], bool(row[2])) for row in connection.execute(query, values)
    }
