"""What it means to remove comments and to restore one; the same on every store.

A removed comment's row holds a tombstone from then on, and the comment itself is kept apart for a
while, with the number of the notice that removed it. Both calls set a state: where it is so
already, nothing is numbered, and the notices that made it so are the answer. So a call whose
outcome is unknown may be sent again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from wire.entry import (
    TOMBSTONE,
    Notice,
    Removed,
    RemovedBy,
    encode_tombstone,
    entry_type,
    is_comment,
)
from wire.errors import CommentRemoved, NotFound, PermissionDenied

DAY_S = 86_400.0
REMOVED_KEPT_S = 30 * DAY_S  # how long a removed comment can be restored, unless configured


class Removal(msgspec.Struct, frozen=True, gc=False):
    """Remove comments, by number, each once and at most `wire.entry.MAX_TARGETS`. author_id: only
    comments of this author, who must have written all of them. missing_ok: numbers whose entries
    retention has taken are left out (else that is an error); what is kept of them may live longer.
    """

    targets: tuple[int, ...]
    by: RemovedBy
    reason: str | None = None
    author_id: str | None = None
    missing_ok: bool = False

    @property
    def destroys(self) -> bool:
        """Whether they can never be restored: nothing is kept of them, nor of those of them that
        were removed before.
        """
        return self.by is RemovedBy.ERASURE


class Restoration(msgspec.Struct, frozen=True, gc=False):
    """Show a removed comment again."""

    seq: int


Redaction = Removal | Restoration


class Redacted(msgspec.Struct, frozen=True, gc=False):
    """notice: what the new entry says, None if all was so already. notices: it and those that were
    there before, each with its number. comment: the public JSON of the one that was to be restored.
    """

    notice: Notice | None
    notices: tuple[tuple[int, bytes], ...]
    comment: bytes = b""


class Kept(NamedTuple):
    """What is kept of a removed comment: its public JSON (None: it was destroyed), and the number
    of the notice.
    """

    raw: bytes | None
    notice: int


class _Authored(msgspec.Struct, frozen=True):
    author_id: str | None = None


class RemovalPlan(NamedTuple):
    """What is left to be done: the comments that are shown now, and the notices by which the others
    were removed before.
    """

    targets: tuple[int, ...]
    notices: tuple[int, ...]

    def removed(self, removal: Removal) -> Removed:
        """What the new notice says."""
        return Removed(self.targets, removal.by, removal.reason)


def plan_removal(
    removal: Removal, rows: Mapping[int, bytes], kept: Mapping[int, Kept]
) -> RemovalPlan:
    """From what is stored under the targets' numbers: their rows, and what is kept of those that
    are removed already.

    Raises NotFound if one of them is no comment, PermissionDenied if it is not `author_id`'s,
    CommentRemoved if nobody knows any more whether it was: it is removed, and its text destroyed.
    """
    for seq in removal.targets:
        row = rows.get(seq)
        if row is None and removal.missing_ok:
            continue
        if row is None or not _was_comment(row):
            raise NotFound(f"no such comment: {seq}")
        if removal.author_id is not None:
            _check_author(removal.author_id, row, kept.get(seq))
    shown = tuple(seq for seq in removal.targets if seq in rows and is_comment(rows[seq]))
    notices = {kept[seq].notice for seq in set(removal.targets).difference(shown) & kept.keys()}
    return RemovalPlan(shown, tuple(sorted(notices)))


def tombstones(rows: Mapping[int, bytes]) -> dict[int, bytes]:
    """What takes the place of comments, and of the entries that have shown them again: these have
    their text too.
    """
    shown = {seq: raw for seq, raw in rows.items() if entry_type(raw) != TOMBSTONE}
    return {seq: encode_tombstone(raw) for seq, raw in shown.items()}


def check_restorable(seq: int, row: bytes | None, kept: Kept | None) -> None:
    """Raises NotFound if there is no such comment, CommentRemoved if it was destroyed."""
    if not _was_comment(row):
        raise NotFound(f"no such comment: {seq}")
    if row is not None and not is_comment(row) and (kept is None or kept.raw is None):
        raise CommentRemoved("it is not kept any more")


def _was_comment(row: bytes | None) -> bool:
    return row is not None and (is_comment(row) or entry_type(row) == TOMBSTONE)


def _check_author(author_id: str, row: bytes, kept: Kept | None) -> None:
    text = row if is_comment(row) else kept and kept.raw
    if text is None:
        raise CommentRemoved()
    if msgspec.json.decode(text, type=_Authored).author_id != author_id:
        raise PermissionDenied()
