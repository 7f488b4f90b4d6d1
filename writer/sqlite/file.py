"""A connection to the store's file: opening, transactions, locks, faults, identity.

Used by one thread. A connection that met an error (other than "busy") is closed and opened again
for the next transaction, so the store comes back by itself when the cause goes away. The file must
stay the one that was opened first: the same inode and the same epoch. A commit into a file that was
unlinked would be lost in silence, so this is checked in every transaction, and again after a
commit, before anybody is told.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from wire.errors import StoreUnavailable
from wire.ids import new_epoch
from writer.sqlite.scrub import UNSCRUBBED
from writer.store import StoreReplaced, StoreTooNew

log = structlog.get_logger()

# What makes each version out of the one before. A file of an older one is brought forward when it
# is opened; other processes may go on with it meanwhile, as long as a version only adds.
_STEPS = tuple(map(Path(__file__).with_name, ("schema.sql", "version-2.sql", "version-3.sql")))
SCHEMA_VERSION = len(_STEPS)
_SECURE_SINCE = 3  # the version
_PRAGMAS = (
    "PRAGMA synchronous=FULL",  # a commit is on the disk when it returns
    "PRAGMA secure_delete=ON",  # what is destroyed is overwritten, see `scrub`
    "PRAGMA mmap_size=0",  # a truncated or failing file must be an error, not SIGBUS
    "PRAGMA cache_size=-16384",
    "PRAGMA wal_autocheckpoint=1000",
    "PRAGMA journal_size_limit=67108864",
)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.0005, 0.02


class StoreIdentity:
    """What the file was when it was first opened; shared by the connections of one store object,
    set once by the writing one before any other is used.
    """

    def __init__(self) -> None:
        self.inode: tuple[int, int] | None = None
        self.epoch: str | None = None


class SqliteFile:
    """One connection. `creates`: the one that may make the file, and the only one that writes."""

    def __init__(
        self, path: Path, identity: StoreIdentity, *, creates: bool, busy_bound_s: float = 2.0
    ) -> None:
        self._path, self._identity, self._creates = path, identity, creates
        self._busy_bound_s = busy_bound_s
        self._connection: sqlite3.Connection | None = None
        self._failing = False

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is committed at the end of the block: with the write lock if this
        connection writes, else one snapshot.

        Raises StoreUnavailable when the file cannot be used or stayed locked for the bound,
        StoreReplaced when it is not the file it was, or too new. Any error rolls back.
        """
        try:
            connection = self._begin()
            yield connection
            connection.execute("COMMIT")
            self._check_file()
        except sqlite3.Error as exc:
            self._note_failure(exc)
            self._abandon(keep=_is_busy(exc))
            raise StoreUnavailable("the store's file cannot be used") from exc
        except BaseException:
            self._abandon(keep=False)
            raise
        if self._failing:
            self._failing = False
            log.info("store_back", writes=self._creates)

    def close(self) -> None:
        """Close the connection; the next transaction opens it again. Idempotent."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _begin(self) -> sqlite3.Connection:
        deadline = time.monotonic() + self._busy_bound_s
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return self._try_begin()
            except sqlite3.Error as exc:
                if not _is_busy(exc) or time.monotonic() >= deadline:
                    raise
                self._abandon(keep=True)
            # Not SQLite's own busy handler: its fixed steps make several writers take turns badly.
            time.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)

    def _try_begin(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._open()
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE" if self._creates else "BEGIN")
        self._check_file()
        if _read_epoch(connection) != self._identity.epoch:
            raise StoreReplaced("the store has another epoch than before")
        return connection

    def _open(self) -> sqlite3.Connection:
        may_create = self._creates and self._identity.inode is None
        uri = f"{self._path.absolute().as_uri()}?mode={'rwc' if may_create else 'rw'}"
        self._check_file()
        connection = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma)
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if not self._creates:
            connection.execute("PRAGMA query_only=ON")
            return
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":
            raise sqlite3.OperationalError(f"the file system does not allow WAL, only {mode}")
        connection.execute("BEGIN IMMEDIATE")  # of two processes that create, one waits here
        epoch = _ensure_schema(connection)
        connection.execute("COMMIT")
        if self._identity.inode is None:
            self._identity.inode = _inode(self._path)
            self._identity.epoch = epoch
            log.info("store_opened", epoch=epoch, sqlite=sqlite3.sqlite_version)

    def _check_file(self) -> None:
        if self._identity.inode is None:
            return
        try:
            same = _inode(self._path) == self._identity.inode
        except FileNotFoundError:
            same = False
        except OSError as exc:
            raise StoreUnavailable("the store's file cannot be checked") from exc
        if not same:
            raise StoreReplaced("the store's file was replaced or removed")

    def _abandon(self, *, keep: bool) -> None:
        if self._connection is not None and self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error:
                keep = False
        if not keep:
            self.close()

    def _note_failure(self, exc: sqlite3.Error) -> None:
        if not self._failing:
            self._failing = True
            name = getattr(exc, "sqlite_errorname", type(exc).__name__)
            log.error("store_failed", writes=self._creates, error=name, detail=str(exc))


def _ensure_schema(connection: sqlite3.Connection) -> str:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise StoreTooNew(version, SCHEMA_VERSION)
    if version < 0:
        raise sqlite3.DatabaseError(f"the store has schema version {version}")
    for step in _STEPS[version:]:
        for statement in step.read_text().split(";\n"):
            connection.execute(statement)
    if version == 0:
        connection.execute("INSERT INTO meta VALUES ('epoch', ?)", (new_epoch(),))
    elif version < _SECURE_SINCE:
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, '1')", (UNSCRUBBED,))
    if version < SCHEMA_VERSION:
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        log.info("store_schema_applied", before=version, version=SCHEMA_VERSION)
    return _read_epoch(connection)


def _read_epoch(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
    if row is None:
        raise sqlite3.DatabaseError("the store has no epoch")
    return str(row[0])


def _inode(path: Path) -> tuple[int, int]:
    stat = os.stat(path)
    return stat.st_dev, stat.st_ino


def _is_busy(exc: sqlite3.Error) -> bool:
    code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
