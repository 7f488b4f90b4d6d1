"""Removing and restoring comments in the embedded store, inside a transaction of the caller: so row
and notice change together, whatever dies when.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from wire.entry import Restored, encode_removed, encode_restored, is_comment
from wire.errors import CallerError
from writer.redaction import (
    Kept,
    Redacted,
    Redaction,
    Removal,
    Restoration,
    check_restorable,
    plan_removal,
    tombstones,
)
from writer.sqlite.log import append_entry, read_entries, read_head

_AMONG = "video_id = ? AND seq IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class Redactor:
    """Of one video in one transaction, which holds the write lock. now_s: wall clock."""

    connection: sqlite3.Connection
    epoch: str
    video_id: str
    created_at: str
    now_s: float

    def redact(self, redaction: Redaction) -> Redacted | CallerError:
        """As CommentStore.redact, but an error of the caller is returned: other groups share the
        transaction.
        """
        try:
            if isinstance(redaction, Removal):
                return self._remove(redaction)
            return self._restore(redaction)
        except CallerError as exc:  # raised before anything was written
            return exc

    def _remove(self, removal: Removal) -> Redacted:
        rows, kept = self._rows(removal.targets), self._kept(removal.targets)
        plan = plan_removal(removal, rows, kept)
        earlier = tuple(self._rows(plan.notices).items())
        if removal.destroys:
            self._destroy(removal.targets)
        if not plan.targets:
            return Redacted(None, earlier)
        notice = read_head(self.connection, self.video_id) + 1
        shown = {seq: rows[seq] for seq in plan.targets}
        hidden = tombstones(shown | self._rows(self._repeated(plan.targets)))
        self.connection.executemany(
            "INSERT OR REPLACE INTO removed VALUES (?, ?, ?, NULL, ?, ?)",
            [
                (self.video_id, seq, notice, None if removal.destroys else raw, self.now_s)
                for seq, raw in shown.items()
            ],
        )
        for seq, tombstone in hidden.items():
            self._rewrite(seq, tombstone)
        removed = plan.removed(removal)
        raw = encode_removed(self.epoch, self.video_id, notice, removed, self.created_at)
        append_entry(self.connection, self.video_id, notice, raw)
        return Redacted(removed, ((notice, raw), *earlier))

    def _restore(self, restoration: Restoration) -> Redacted:
        seq = restoration.seq
        row, kept = self._rows([seq]).get(seq), self._kept([seq]).get(seq)
        check_restorable(seq, row, kept)
        assert row is not None
        if is_comment(row):
            return Redacted(None, (), row)
        assert kept is not None
        assert kept.raw is not None
        notice = read_head(self.connection, self.video_id) + 1
        raw = encode_restored(self.epoch, self.video_id, notice, kept.raw, self.created_at)
        self._rewrite(seq, kept.raw)
        self.connection.execute(
            "UPDATE removed SET raw = NULL, restored = ? WHERE video_id = ? AND seq = ?",
            (notice, self.video_id, seq),
        )
        append_entry(self.connection, self.video_id, notice, raw)
        return Redacted(Restored(msgspec.Raw(kept.raw)), ((notice, raw),), kept.raw)

    def _rows(self, seqs: Iterable[int]) -> dict[int, bytes]:
        return read_entries(self.connection, self.video_id, seqs)

    def _kept(self, seqs: Iterable[int]) -> dict[int, Kept]:
        rows = self.connection.execute(
            f"SELECT seq, raw, notice FROM removed WHERE {_AMONG} AND restored IS NULL",  # noqa: S608
            (self.video_id, json.dumps(list(seqs))),
        )
        return {seq: Kept(raw, notice) for seq, raw, notice in rows}

    def _repeated(self, seqs: Iterable[int]) -> list[int]:
        """Entries that have the text of one of these comments: it was shown again, or pinned."""
        among = (self.video_id, json.dumps(list(seqs)))
        rows = self.connection.execute(
            f"SELECT restored FROM removed WHERE {_AMONG} AND restored IS NOT NULL"  # noqa: S608
            f" UNION SELECT entry FROM repeated WHERE {_AMONG}",
            among + among,
        )
        return [number for (number,) in rows]

    def _destroy(self, seqs: Iterable[int]) -> None:
        self.connection.execute(
            f"UPDATE removed SET raw = NULL WHERE {_AMONG} AND restored IS NULL",  # noqa: S608
            (self.video_id, json.dumps(list(seqs))),
        )

    def _rewrite(self, seq: int, raw: bytes) -> None:
        self.connection.execute(
            "UPDATE comments SET raw = ? WHERE video_id = ? AND seq = ?", (raw, self.video_id, seq)
        )


def sweep_removed(connection: sqlite3.Connection, removed_before_s: float, limit: int) -> int:
    """Destroy up to `limit` comments that were removed before a wall-clock time; how many there
    were. That they were removed, and by which notice, stays known.
    """
    cursor = connection.execute(
        "UPDATE removed SET raw = NULL WHERE (video_id, seq) IN"
        " (SELECT video_id, seq FROM removed WHERE raw IS NOT NULL AND removed_at < ?"
        " ORDER BY removed_at LIMIT ?)",
        (removed_before_s, limit),
    )
    return cursor.rowcount
