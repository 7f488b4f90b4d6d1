"""What the embedded store keeps for moderation, beside the logs."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import msgspec

from wire.errors import Overloaded
from writer.held import HELD_FOR_MS, MAX_HELD, Held, HeldState, decide
from writer.moderation_store import Call
from writer.sqlite.erasures import Run, SqliteErasures
from writer.sqlite.queries import HELD_BUCKET
from writer.sqlite.rules import read_rules, write_rules
from writer.sqlite.scrub import scrub_file

_held = msgspec.json.Decoder(Held)


class SqliteModeration(SqliteErasures):
    """Implements `writer.moderation_store.ModerationStore`. write: runs work in a transaction that
    has the write lock, and raises the CallerError that it returns; read: in a snapshot.
    """

    def __init__(self, path: Path, write: Run, read: Run) -> None:
        super().__init__(path, write, read)
        self._path, self._write, self._read = path, write, read

    async def hold(self, video_id: str, held: Held) -> Held:
        """As ModerationStore.hold."""
        kept: Held = await self._write(lambda connection: _hold(connection, video_id, held))
        return kept

    async def find_held(self, video_id: str, held_id: str) -> Held | None:
        """As ModerationStore.find_held."""
        found: Held | None = await self._read(
            lambda connection: _find_held(connection, video_id, held_id)
        )
        return found

    async def list_held(self, video_id: str, limit: int, held_after_ms: int) -> list[Held]:
        """As ModerationStore.list_held."""

        def read(connection: sqlite3.Connection) -> list[Held]:
            rows = connection.execute(
                "SELECT body FROM held WHERE video_id = ? AND held_ms > ?"
                " AND seq = 0 AND state <> ? ORDER BY held_ms, id LIMIT ?",
                (video_id, held_after_ms, HeldState.DENIED, limit),
            )
            return [_held.decode(body) for (body,) in rows]

        found: list[Held] = await self._read(read)
        return found

    async def decide_held(
        self, video_id: str, held_id: str, state: HeldState, by: str, now_ms: int
    ) -> Held:
        """As ModerationStore.decide_held."""

        def work(connection: sqlite3.Connection) -> Held:
            held = _find_held(connection, video_id, held_id)
            decided = decide(held, state, by, now_ms)
            if decided is None:
                assert held is not None
                return held
            _write_held(connection, video_id, decided)
            return decided

        decided: Held = await self._write(work)
        return decided

    async def note_held_seq(self, video_id: str, held_id: str, seq: int) -> None:
        """As ModerationStore.note_held_seq."""

        def work(connection: sqlite3.Connection) -> None:
            held = _find_held(connection, video_id, held_id)
            if held is not None:
                _write_held(connection, video_id, msgspec.structs.replace(held, seq=seq))

        await self._write(work)

    async def note_call(self, video_id: str, call: Call) -> None:
        """As ModerationStore.note_call."""
        await self._write(
            lambda connection: (
                connection.execute(
                    "INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?)", (video_id, *call)
                ).rowcount
            )
        )

    async def calls(self, video_id: str, limit: int, before: tuple[int, int]) -> list[Call]:
        """As ModerationStore.calls."""

        def read(connection: sqlite3.Connection) -> list[Call]:
            rows = connection.execute(
                "SELECT at_ms, nonce, body FROM calls"
                " WHERE video_id = ? AND (at_ms, nonce) < (?, ?)"
                " ORDER BY at_ms DESC, nonce DESC LIMIT ?",
                (video_id, *before, limit),
            )
            return [Call(*row) for row in rows]

        found: list[Call] = await self._read(read)
        return found

    async def forget_author(self, author_id: str, video_id: str) -> None:
        """As ModerationStore.forget_author."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "DELETE FROM held WHERE video_id = ? AND json_extract(CAST(body AS TEXT),"
                " '$.author_id') = ?",
                (video_id, author_id),
            )
            rules = read_rules(connection, video_id)
            staff = tuple(one for one in rules.staff if one.author_id != author_id)
            if staff != rules.staff:
                write_rules(connection, video_id, msgspec.structs.replace(rules, staff=staff))

        await self._write(work)

    async def scrub(self) -> None:
        """As ModerationStore.scrub."""
        await asyncio.to_thread(scrub_file, self._path)

    async def revoke(self, author_id: str, not_before: int) -> None:
        """As ModerationStore.revoke."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO revoked VALUES (?, ?) ON CONFLICT (author_id) DO UPDATE"
                " SET not_before = max(not_before, excluded.not_before)",
                (author_id, not_before),
            )
            rules = read_rules(connection, "")
            write_rules(connection, "", msgspec.structs.replace(rules, version=rules.version + 1))

        await self._write(work)

    async def revocations(self, limit: int, after: str = "") -> list[tuple[str, int]]:
        """As ModerationStore.revocations."""

        def read(connection: sqlite3.Connection) -> list[tuple[str, int]]:
            return connection.execute(
                "SELECT author_id, not_before FROM revoked WHERE author_id > ?"
                " ORDER BY author_id LIMIT ?",
                (after, limit),
            ).fetchall()

        found: list[tuple[str, int]] = await self._read(read)
        return found


def sweep_held(connection: sqlite3.Connection, held_before_s: float, limit: int) -> int:
    """Forget up to `limit` held comments of before a wall-clock time; how many there were."""
    cursor = connection.execute(
        "DELETE FROM held WHERE (video_id, id) IN"
        " (SELECT video_id, id FROM held WHERE held_ms < ? ORDER BY held_ms LIMIT ?)",
        (int(held_before_s * 1000), limit),
    )
    return cursor.rowcount


def _hold(connection: sqlite3.Connection, video_id: str, held: Held) -> Held:
    found = _find_held(connection, video_id, held.id)
    if found is not None:
        return found
    (waiting,) = connection.execute(
        "SELECT count(*) FROM held WHERE video_id = ? AND held_ms > ?"
        " AND seq = 0 AND state <> ?",  # as `Held.waits`
        (video_id, held.held_ms - HELD_FOR_MS, HeldState.DENIED),
    ).fetchone()
    if waiting >= MAX_HELD:
        raise Overloaded("too many comments wait for a moderator")
    if held.author_id:
        connection.execute(
            "INSERT OR IGNORE INTO authored VALUES (?, ?, ?)",
            (held.author_id, video_id, HELD_BUCKET),
        )
    _write_held(connection, video_id, held)
    return held


def _find_held(connection: sqlite3.Connection, video_id: str, held_id: str) -> Held | None:
    row = connection.execute(
        "SELECT body FROM held WHERE video_id = ? AND id = ?", (video_id, held_id)
    ).fetchone()
    return _held.decode(row[0]) if row else None


def _write_held(connection: sqlite3.Connection, video_id: str, held: Held) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            video_id,
            held.id,
            held.held_ms,
            held.state,
            held.by,
            held.seq,
            msgspec.json.encode(held),
        ),
    )
