"""The rules of videos in the embedded store, inside a transaction of the caller: so a comment is
decided by the rules as they are where it is numbered, and a ruling changes them and the log at
once.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from wire.rulings import MAX_SLOW_MODE_S
from writer.deciding import Decider
from writer.ruler import RuledVideo
from writer.rules import NO_RULES, Rules, Sanction
from writer.sqlite.log import append_entry, read_entries, read_head

_rules = msgspec.json.Decoder(Rules)
_sanction = msgspec.json.Decoder(Sanction)


def read_rules(connection: sqlite3.Connection, video_id: str) -> Rules:
    """The rules of a video."""
    row = connection.execute("SELECT body FROM rules WHERE video_id = ?", (video_id,)).fetchone()
    return _rules.decode(row[0]) if row else NO_RULES


def read_rules_of(connection: sqlite3.Connection, video_ids: Sequence[str]) -> dict[str, Rules]:
    """As CommentStore.rules_of."""
    rows = connection.execute(
        "SELECT video_id, body FROM rules WHERE video_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(video_ids)),),
    )
    return {video_id: _rules.decode(body) for video_id, body in rows}


def write_rules(connection: sqlite3.Connection, video_id: str, rules: Rules) -> None:
    """These are the rules from now on."""
    body = msgspec.json.encode(rules)
    connection.execute("INSERT OR REPLACE INTO rules VALUES (?, ?)", (video_id, body))


def read_sanction(connection: sqlite3.Connection, video_id: str, author_id: str) -> Sanction | None:
    """What is said of an author, None if nothing ever was."""
    row = connection.execute(
        "SELECT body FROM sanctions WHERE video_id = ? AND author_id = ?", (video_id, author_id)
    ).fetchone()
    return _sanction.decode(row[0]) if row else None


def read_sanctions(
    connection: sqlite3.Connection, video_id: str, limit: int, after: str
) -> list[Sanction]:
    """As CommentStore.sanctions."""
    rows = connection.execute(
        "SELECT body FROM sanctions WHERE video_id = ? AND author_id > ? AND NOT lifted"
        " ORDER BY author_id LIMIT ?",
        (video_id, after, limit),
    )
    return [_sanction.decode(body) for (body,) in rows]


def read_filters(connection: sqlite3.Connection, video_id: str) -> tuple[int, bytes]:
    """As CommentStore.filters."""
    row = connection.execute(
        "SELECT version, body FROM filters WHERE video_id = ?", (video_id,)
    ).fetchone()
    return row or (0, b"")


def read_slots(
    connection: sqlite3.Connection, video_id: str, slots: Sequence[str]
) -> dict[str, int]:
    """As CommentStore.used_slots."""
    rows = connection.execute(
        "SELECT slot, used_ms FROM slots"
        " WHERE video_id = ? AND slot IN (SELECT value FROM json_each(?))",
        (video_id, json.dumps(list(slots))),
    )
    return dict(rows)


def sweep_slots(connection: sqlite3.Connection, now_s: float, limit: int) -> int:
    """Forget up to `limit` slots that nothing can depend on any more; how many there were."""
    cursor = connection.execute(
        "DELETE FROM slots WHERE (video_id, slot) IN"
        " (SELECT video_id, slot FROM slots WHERE used_ms < ? ORDER BY used_ms LIMIT ?)",
        (int((now_s - MAX_SLOW_MODE_S) * 1000), limit),
    )
    return cursor.rowcount


class StoredDecider(Decider):
    """Decides the comments of one group. `body`: the video's rules as they are stored, or None.
    Sanctions and slots are read when a comment needs them.
    """

    def __init__(
        self, connection: sqlite3.Connection, video_id: str, body: bytes | None, now_s: float
    ) -> None:
        self._connection, self._video_id = connection, video_id
        self._stored = _rules.decode(body) if body else NO_RULES

        def sanction_of(author_id: str) -> Sanction | None:
            stored = self._stored.sanctions
            return read_sanction(connection, video_id, author_id) if stored else None

        def used_of(slots: Sequence[str]) -> dict[str, int]:
            return read_slots(connection, video_id, slots)

        super().__init__(int(now_s * 1000), self._stored, sanction_of, used_of)

    def end(self) -> None:
        """Write what the group has used."""
        if self.taken:
            self._connection.executemany(
                "INSERT OR REPLACE INTO slots VALUES (?, ?, ?)",
                [(self._video_id, slot, self.now_ms) for slot in self.taken],
            )
        if self.rules is not self._stored:
            write_rules(self._connection, self._video_id, self.rules)


@dataclass(frozen=True, slots=True)
class StoredVideo(RuledVideo):
    """See RuledVideo; in one transaction, which holds the write lock."""

    connection: sqlite3.Connection
    epoch: str
    video_id: str

    def find_rules(self) -> Rules:
        """See RuledVideo."""
        return read_rules(self.connection, self.video_id)

    def write_rules(self, rules: Rules) -> None:
        """See RuledVideo."""
        write_rules(self.connection, self.video_id, rules)

    def find_filters(self) -> bytes:
        """See RuledVideo."""
        _, body = read_filters(self.connection, self.video_id)
        return body

    def write_filters(self, version: int, body: bytes) -> None:
        """See RuledVideo."""
        row = (self.video_id, version, body)
        self.connection.execute("INSERT OR REPLACE INTO filters VALUES (?, ?, ?)", row)

    def find_sanction(self, author_id: str) -> Sanction | None:
        """See RuledVideo."""
        return read_sanction(self.connection, self.video_id, author_id)

    def write_sanction(self, said: Sanction) -> None:
        """See RuledVideo."""
        row = (self.video_id, said.author_id, said.until_ms is None, msgspec.json.encode(said))
        self.connection.execute("INSERT OR REPLACE INTO sanctions VALUES (?, ?, ?, ?)", row)

    def find_head(self) -> int:
        """See RuledVideo."""
        return read_head(self.connection, self.video_id)

    def find_entry(self, number: int) -> bytes | None:
        """See RuledVideo."""
        return read_entries(self.connection, self.video_id, [number]).get(number)

    def append(self, number: int, raw: bytes) -> None:
        """See RuledVideo."""
        append_entry(self.connection, self.video_id, number, raw)

    def note_repeated(self, seq: int, number: int) -> None:
        """See RuledVideo."""
        row = (self.video_id, seq, number)
        self.connection.execute("INSERT INTO repeated VALUES (?, ?, ?)", row)
