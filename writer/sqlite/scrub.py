"""Taking the bytes of what was destroyed out of the embedded store's files.

`secure_delete` overwrites what a page no longer holds, from version 3 of the file on; so there are
two more places: the write-ahead log, and pages that older versions have left. The log is truncated,
which waits for readers, in short tries between which posts go on; a file of an older version is
written anew once (VACUUM), which holds up posts for as long as that takes.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import structlog

from wire.errors import StoreUnavailable

log = structlog.get_logger()

UNSCRUBBED = "unscrubbed"  # in `meta`: the file has pages of an older version
_WITHIN_S = 30.0
_TRY_MS = 100  # while a try waits for readers nobody can write
_PAUSE_S = 0.05


def scrub_file(path: Path) -> None:
    """On a thread of its own; blocks. Raises StoreUnavailable if it did not work in 30 s."""
    deadline = time.monotonic() + _WITHIN_S
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_WITHIN_S, isolation_level=None
        )
        try:
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("PRAGMA synchronous=FULL")
            _rewrite_once(connection)
            connection.execute(f"PRAGMA busy_timeout={_TRY_MS}")
            while not _truncated(connection):
                if time.monotonic() > deadline:
                    raise StoreUnavailable("readers keep the write-ahead log in use")
                time.sleep(_PAUSE_S)
        finally:
            connection.close()
    except sqlite3.Error as exc:
        raise StoreUnavailable(f"the store's file cannot be scrubbed: {exc}") from exc


def _rewrite_once(connection: sqlite3.Connection) -> None:
    query = "SELECT 1 FROM meta WHERE name = ?"
    if connection.execute(query, (UNSCRUBBED,)).fetchone() is None:
        return
    begun = time.monotonic()
    connection.execute("VACUUM")
    connection.execute("DELETE FROM meta WHERE name = ?", (UNSCRUBBED,))
    log.info("store_rewritten", seconds=round(time.monotonic() - begun, 3))


def _truncated(connection: sqlite3.Connection) -> bool:
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
