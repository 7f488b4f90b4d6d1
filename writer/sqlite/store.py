"""The embedded comment store: one SQLite file, shared by the writer processes of one host.

A connection is used on one thread. The writing thread puts every group that waits, of whatever
videos, into one transaction, so that one fsync serves them all; a fault fails exactly those groups.
The reading threads work on snapshots and never wait for a commit, nor for one another: heads,
ranges and history have one each. Only results cross back to the loop.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog

from service.failpoints import Failpoint, reach
from wire.errors import CallerError, LivecommentsError, StoreUnavailable
from writer.held import HELD_KEPT_S
from writer.read_lanes import ReadBounds
from writer.redaction import REMOVED_KEPT_S, Redacted, Redaction, Removal, Restoration
from writer.ruler import Ruler
from writer.rules import Ruled, Rules, Ruling, Sanction
from writer.sqlite import queries
from writer.sqlite.file import SqliteFile, StoreIdentity
from writer.sqlite.moderation import SqliteModeration, sweep_held
from writer.sqlite.redactions import Redactor, sweep_removed
from writer.sqlite.rules import (
    StoredVideo,
    read_filters,
    read_rules,
    read_rules_of,
    read_sanction,
    read_sanctions,
    read_slots,
    sweep_slots,
)
from writer.sqlite.thread import SqliteThread
from writer.store import Appended, AuthoredPage, Item, Page, StoreReplaced

log = structlog.get_logger()

MAX_TURN_GROUPS = 500  # groups in one transaction
MAX_QUEUED_READS = 1_000  # of each thread
KEEP_KEYS_S = 25 * 3600.0  # promised: 24 h
SWEEP_EVERY_S = 60.0
SWEEP_ROWS = 1_000  # at most so many of a table at a time; more follow after the next commit

_Done = Any  # of a group; an error of ours is raised to its caller only
T = TypeVar("T")
P = TypeVar("P")
R = TypeVar("R")
Work = Callable[[sqlite3.Connection], Any]
Read = Callable[[sqlite3.Connection], Any]


@dataclass(frozen=True, slots=True)
class _Group:
    video_id: str
    items: Sequence[Item] = ()
    decree: tuple[Redaction | Ruling, str] | None = None  # with its created_at
    work: Work | None = None
    only_tries: bool = False


class SqliteStore:
    """Implements `writer.store.CommentStore`. `on_replaced` is told, on the loop and as often as it
    is met, that the file is not the one it was: the process should end. `on_swept` is told, on the
    writing thread, how many old keys were forgotten.
    """

    # A thread does one thing at a time; the others are there for it when that is done, also while
    # the loop is busy. Ranges may be long: no more of them wait where their time is running.
    read_bounds = ReadBounds.of(heads=4, ranges=2, history=4)

    def __init__(
        self,
        path: Path,
        *,
        busy_bound_s: float = 2.0,
        on_replaced: Callable[[StoreReplaced], None] = lambda _: None,
        on_swept: Callable[[int], None] = lambda _: None,
        removed_kept_s: float = REMOVED_KEPT_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._identity = StoreIdentity()
        self._write_file = SqliteFile(path, self._identity, creates=True, busy_bound_s=busy_bound_s)
        self._on_replaced, self._on_swept, self._now = on_replaced, on_swept, now
        self._removed_kept_s = removed_kept_s
        self.commits = 0  # transactions of this process, one fsync each
        self._next_sweep, self._sweepable = 0.0, False  # owned by the writing thread
        self._writer: SqliteThread[_Group, _Done] = SqliteThread(
            "store-write",
            self._write,
            self._write_file.close,
            after=self._sweep_when_due,
            max_turn=MAX_TURN_GROUPS,
        )
        self._heads, self._ranges, self._history = self._readers = [
            self._reader(
                name, SqliteFile(path, self._identity, creates=False, busy_bound_s=busy_bound_s)
            )
            for name in ("store-heads", "store-ranges", "store-history")
        ]
        self.moderation = SqliteModeration(path, self._run, self._read_history)
        self._threads: list[SqliteThread[Any, Any]] = [self._writer, *self._readers]

    @property
    def queues(self) -> dict[str, int]:
        """Groups and reads that wait for their thread."""
        reads = sum(thread.queued for thread in self._readers)
        return {"store_writes": self._writer.queued, "store_reads": reads}

    async def start(self) -> None:
        """Start the threads and try to open the file; a failure is only logged."""
        for thread in self._threads:
            thread.start()
        with suppress(StoreUnavailable):
            await self.epoch()

    async def stop(self) -> None:
        """Finish what is queued, close the file. Idempotent."""
        await asyncio.gather(*(thread.stop() for thread in self._threads))

    async def epoch(self) -> str:
        """The store's identity; opens the file if that has not worked yet."""
        if self._identity.epoch is None:
            await self._submit(self._writer, _Group(""))
        assert self._identity.epoch is not None
        return self._identity.epoch

    async def append(self, video_id: str, items: Sequence[Item]) -> list[Appended]:
        """As `CommentStore.append`."""
        results: list[Appended] = await self._submit(self._writer, _Group(video_id, items))
        return results

    async def redact(self, video_id: str, redaction: Redaction, created_at: str) -> Redacted:
        """As `CommentStore.redact`, in the transaction of whatever else waits."""
        redacted: Redacted = await self._decree(video_id, redaction, created_at)
        return redacted

    async def rule(self, video_id: str, ruling: Ruling, created_at: str) -> Ruled:
        """As `CommentStore.rule`, in the transaction of whatever else waits."""
        ruled: Ruled = await self._decree(video_id, ruling, created_at)
        return ruled

    async def rules(self, video_id: str, author_id: str = "") -> tuple[Rules, Sanction | None]:
        """As `CommentStore.rules`."""
        return await self._read(
            self._heads,
            lambda connection: (
                read_rules(connection, video_id),
                read_sanction(connection, video_id, author_id) if author_id else None,
            ),
        )

    async def rules_of(self, video_ids: Sequence[str]) -> dict[str, Rules]:
        """As `CommentStore.rules_of`."""
        return await self._read(
            self._heads, lambda connection: read_rules_of(connection, video_ids)
        )

    async def sanctions(self, video_id: str, limit: int, after: str = "") -> list[Sanction]:
        """As `CommentStore.sanctions`."""
        return await self._read(
            self._history, lambda connection: read_sanctions(connection, video_id, limit, after)
        )

    async def filters(self, video_id: str) -> tuple[int, bytes]:
        """As `CommentStore.filters`."""
        return await self._read(
            self._history, lambda connection: read_filters(connection, video_id)
        )

    async def authored(self, author_id: str, video_id: str, after: int, limit: int) -> AuthoredPage:
        """As `CommentStore.authored`."""
        return await self._read(
            self._history,
            lambda connection: queries.read_authored(connection, author_id, video_id, after, limit),
        )

    async def authored_videos(self, author_id: str, after: str, limit: int) -> list[str]:
        """As `CommentStore.authored_videos`."""
        return await self._read(
            self._history,
            lambda connection: queries.read_authored_videos(connection, author_id, after, limit),
        )

    async def used_slots(self, video_id: str, slots: Sequence[str]) -> dict[str, int]:
        """As `CommentStore.used_slots`."""
        return await self._read(
            self._heads, lambda connection: read_slots(connection, video_id, slots)
        )

    async def check(self) -> None:
        """As `CommentStore.check`: a transaction that reads the epoch and nothing else."""
        await self._read(self._heads, lambda _connection: None)

    async def try_write(self) -> bool:
        """As `CommentStore.try_write`: a page and an fsync, in the turn of whoever posts then."""
        await self._submit(self._writer, _Group("", only_tries=True))
        return True

    async def range(
        self, video_id: str, after: int, through: int, *, for_history: bool = False
    ) -> Page:
        """As `CommentStore.range`."""
        return await self._read(
            self._history if for_history else self._ranges,
            lambda connection: queries.read_range(connection, video_id, after, through),
        )

    async def recent(self, video_id: str, limit: int, before: int | None = None) -> Page:
        """As `CommentStore.recent`."""
        return await self._read(
            self._history,
            lambda connection: queries.read_recent(connection, video_id, limit, before),
        )

    async def heads(
        self, video_ids: Sequence[str], known: Mapping[str, int] | None = None
    ) -> dict[str, int]:
        """As `CommentStore.heads`; always read, whatever is `known`."""
        return await self._read(
            self._heads,
            lambda connection: queries.read_heads(connection, video_ids),
        )

    def _reader(self, name: str, file: SqliteFile) -> SqliteThread[Read, Any]:
        def read_one(reads: list[Read], _fill: Callable[[], None]) -> list[Any]:
            with file.transaction() as connection:
                return [read(connection) for read in reads]

        return SqliteThread(name, read_one, file.close, max_queued=MAX_QUEUED_READS)

    async def _read(
        self, thread: SqliteThread[Read, Any], read: Callable[[sqlite3.Connection], T]
    ) -> T:
        await self.epoch()  # the writing connection makes the file
        found: T = await self._submit(thread, read)
        return found

    async def _decree(self, video_id: str, what: Redaction | Ruling, created_at: str) -> Any:
        return await self._change(_Group(video_id, decree=(what, created_at)))

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        done: T = await self._change(_Group("", work=work))
        return done

    async def _read_history(self, read: Callable[[sqlite3.Connection], T]) -> T:
        return await self._read(self._history, read)

    async def _change(self, group: _Group) -> Any:
        done = await self._submit(self._writer, group)
        if isinstance(done, LivecommentsError):
            raise done
        return done

    async def _submit(self, thread: SqliteThread[P, R], payload: P) -> R:
        try:
            return await thread.submit(payload)
        except StoreReplaced as exc:
            self._on_replaced(exc)
            raise

    # On the threads from here on.

    def _write(self, groups: list[_Group], fill: Callable[[], None]) -> list[_Done]:
        self._sweepable = False
        with self._write_file.transaction() as connection:
            fill()  # only now: whatever came while we waited for the lock rides along
            epoch, now_s = self._identity.epoch, self._now()
            assert epoch is not None
            results = [_do(connection, epoch, group, now_s) for group in groups]
            if any(group.items or group.decree or group.work for group in groups):
                reach(Failpoint.WRITER_IN_COMMIT)
            elif any(group.only_tries for group in groups):
                queries.write_nothing_new(connection)
        self._sweepable = True
        self.commits += 1
        return results

    def _sweep_when_due(self) -> None:
        # Not after a failure: the next groups must not wait for a second one.
        if not self._sweepable or time.monotonic() < self._next_sweep:
            return
        now_s, swept, destroyed, unused = self._now(), 0, 0, 0
        try:
            with self._write_file.transaction() as connection:
                swept = queries.sweep_keys(connection, now_s - KEEP_KEYS_S, SWEEP_ROWS)
                destroyed = sweep_removed(connection, now_s - self._removed_kept_s, SWEEP_ROWS)
                unused = sweep_slots(connection, now_s, SWEEP_ROWS)
                unused += sweep_held(connection, now_s - HELD_KEPT_S, SWEEP_ROWS)
        except StoreUnavailable:
            pass  # the next append meets the same fault and tells its caller
        if max(swept, destroyed, unused) < SWEEP_ROWS:
            self._next_sweep = time.monotonic() + SWEEP_EVERY_S
        if swept:
            self._on_swept(swept)


def _do(connection: sqlite3.Connection, epoch: str, group: _Group, now_s: float) -> _Done:
    if group.work is not None:
        try:
            return group.work(connection)
        except LivecommentsError as exc:  # raised before anything was written
            return exc
    if group.decree is None:
        return queries.append_group(connection, epoch, group.video_id, group.items, now_s)
    what, created_at = group.decree
    if isinstance(what, Removal | Restoration):
        return Redactor(connection, epoch, group.video_id, created_at, now_s).redact(what)
    try:
        return Ruler(StoredVideo(connection, epoch, group.video_id), created_at, now_s).rule(what)
    except CallerError as exc:  # raised before anything was written
        return exc
