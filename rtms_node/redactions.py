"""What notices of a video's log do to its ring: a removed comment's frame gives way to a tombstone,
and so do those of entries that have its text too; a restored comment's frame comes back.

Invariants
- A notice is applied in the same step in which it is appended, so whoever is written to after it
  gets the tombstone.
- A range that was read from the store before the newest notice that was applied is stale: it may
  hold the text of a comment that has been removed since. Its head tells, for the store rewrites a
  comment before it numbers the notice, and reads the head of a range not after its comments.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import msgspec
import structlog

from rtms_node.ring import Ring, decode_frame, encode_frame
from rtms_node.stats import Stats
from wire.entry import (
    TOMBSTONE,
    Removed,
    Restored,
    decode_notice,
    decode_seq,
    encode_tombstone,
    entry_type,
    is_comment,
    repeated_seq,
)
from wire.internal import RangeReply

log = structlog.get_logger()

MAX_REPEATED = 1_000  # known at once, before those are forgotten that have left the ring


class Redactions:
    """Owned by one timeline; changes frames of its ring, never their number."""

    __slots__ = ("_newest", "_repeated", "_ring", "_stats")

    def __init__(self, ring: Ring, stats: Stats) -> None:
        self._ring, self._stats = ring, stats
        self._newest = 0  # number of the newest notice that was applied
        self._repeated: dict[int, set[int]] = {}  # comment -> entries that have its text too

    def restarted(self) -> None:
        """Another epoch, or a store that went back: its numbers mean something else now."""
        self._newest = 0
        self._repeated = {}

    def prepended(self, first: int, raws: Sequence[bytes]) -> None:
        """The entries from number `first` on have just been put before the ring's start."""
        for number, raw in enumerate(raws, first):
            if not is_comment(raw):
                with suppress(msgspec.DecodeError):  # not from a writer of ours
                    self._note_repeated(repeated_seq(decode_notice(raw)), number)

    def appended(self, raw: bytes) -> None:
        """The entry `raw`, which is no comment, has just become the ring's head."""
        notice = decode_notice(raw)
        if notice is None:
            return
        self._newest = self._ring.head
        try:
            if isinstance(notice, Removed):
                for seq in notice.targets:
                    for number in (seq, *self._repeated.pop(seq, ())):
                        self._hide(number)
            else:
                self._note_repeated(repeated_seq(notice), self._newest)
                if isinstance(notice, Restored):
                    self._restore(bytes(notice.comment))
        except (msgspec.DecodeError, ValueError):
            # Not from a writer of ours. Rather no frames than one that must not be shown.
            log.error("notice_not_applied", seq=self._newest)
            self._ring.trim(len(self._ring))

    def is_stale(self, reply: RangeReply) -> bool:
        """Whether a range was read before the newest notice that was applied."""
        return reply.head < self._newest

    def contradicts(self, seq: int, raw: bytes) -> bool:
        """Whether the ring has another content of that number than `raw`. A tombstone contradicts
        nothing: either side may not know yet of the removal, or that it was taken back.
        """
        if not self._ring.differs(seq, encode_frame(self._ring.epoch, seq, raw)):
            return False
        return TOMBSTONE not in (entry_type(raw), entry_type(self._find(seq)))

    def _hide(self, seq: int) -> None:
        if self._ring.holds(seq) and entry_type(raw := self._find(seq)) != TOMBSTONE:
            self._replace(seq, encode_tombstone(raw))

    def _restore(self, comment: bytes) -> None:
        seq = decode_seq(comment)
        if self._ring.holds(seq) and entry_type(self._find(seq)) == TOMBSTONE:
            self._replace(seq, comment)

    def _note_repeated(self, seq: int | None, number: int) -> None:
        if seq is None:
            return
        self._repeated.setdefault(seq, set()).add(number)
        if len(self._repeated) > MAX_REPEATED:
            held = {one: set(filter(self._ring.holds, by)) for one, by in self._repeated.items()}
            self._repeated = {one: by for one, by in held.items() if by}

    def _find(self, seq: int) -> bytes:
        return decode_frame(self._ring.frame(seq))

    def _replace(self, seq: int, raw: bytes) -> None:
        self._ring.replace(seq, encode_frame(self._ring.epoch, seq, raw))
        self._stats.redacted += 1
