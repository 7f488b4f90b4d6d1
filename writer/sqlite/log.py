"""A video's log in the embedded store, entry by entry, inside a transaction of the caller."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable


def read_head(connection: sqlite3.Connection, video_id: str) -> int:
    """Newest number of a video, 0 if it never had a comment."""
    row = connection.execute("SELECT head FROM heads WHERE video_id = ?", (video_id,)).fetchone()
    return int(row[0]) if row else 0


def write_head(connection: sqlite3.Connection, video_id: str, head: int) -> None:
    """This is the newest number from now on."""
    connection.execute("INSERT OR REPLACE INTO heads VALUES (?, ?)", (video_id, head))


def read_entries(
    connection: sqlite3.Connection, video_id: str, seqs: Iterable[int]
) -> dict[int, bytes]:
    """Those of these that are there, by number."""
    return dict(
        connection.execute(
            "SELECT seq, raw FROM comments"
            " WHERE video_id = ? AND seq IN (SELECT value FROM json_each(?))",
            (video_id, json.dumps(list(seqs))),
        )
    )


def append_entry(connection: sqlite3.Connection, video_id: str, seq: int, raw: bytes) -> None:
    """Store an entry as the newest one."""
    connection.execute("INSERT INTO comments VALUES (?, ?, ?)", (video_id, seq, raw))
    write_head(connection, video_id, seq)
