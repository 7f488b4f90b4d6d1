"""A new identity for a store's file, for one that was restored from an older copy.

Numbers that were given out after the copy was made will be given out again for other comments.
Under the old epoch a viewer whose cursor lies there would miss them without a word; under a new one
it gets a `reset`.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

from wire.entry import restamp
from wire.errors import StoreUnavailable
from wire.ids import is_epoch, new_epoch

_BUSY_BOUND_S = 2.0


def renew_epoch(path: Path) -> tuple[str, str]:
    """Give the store in `path` a new epoch; returns the old one and the new one.

    All or nothing, in one transaction. No writer may use the file (one that does ends itself when
    it sees the change). Raises StoreUnavailable if the file is missing, locked or no store.
    """
    if not path.is_file():
        raise StoreUnavailable(f"there is no store at {path}")
    try:
        with closing(_open(path)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            old, new = _read_epoch(connection), new_epoch()
            connection.execute("UPDATE meta SET value = ? WHERE name = 'epoch'", (new,))
            connection.create_function("restamp", 1, partial(restamp, epoch=new.encode()))
            for table in _tables_of_entries(connection):
                connection.execute(f"UPDATE {table} SET raw = restamp(raw) WHERE raw IS NOT NULL")  # noqa: S608 - ours
            connection.execute("COMMIT")
    except sqlite3.Error as exc:
        raise StoreUnavailable(f"{path}: {exc}") from exc
    return old, new


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_BOUND_S)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA secure_delete=ON")  # each row is written anew: see `sqlite.scrub`
    return connection


def _tables_of_entries(connection: sqlite3.Connection) -> list[str]:
    """Those that this file has: one of an older version has not all of them yet."""
    rows = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('comments', 'removed')"
    )
    return [name for (name,) in rows]


def _read_epoch(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
    if row is None or not is_epoch(row[0]):
        raise sqlite3.DatabaseError("the file has no epoch")
    return str(row[0])
