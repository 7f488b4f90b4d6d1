"""What notices of a video's log do to its ring: a removed comment's frame gives way to a tombstone,
and so does that of the entry which had shown it again; a restored comment's frame comes back.

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
)
from wire.internal import RangeReply

log = structlog.get_logger()

MAX_RESTORED = 1_000  # known at once, before those are forgotten that have left the ring


class Redactions:
    """Owned by one timeline; changes frames of its ring, never their number."""

    __slots__ = ("_newest", "_restored", "_ring", "_stats")

    def __init__(self, ring: Ring, stats: Stats) -> None:
        self._ring, self._stats = ring, stats
        self._newest = 0  # number of the newest notice that was applied
        self._restored: dict[int, int] = {}  # comment -> the entry that has shown it again

    def restarted(self) -> None:
        """Another epoch, or a store that went back: its numbers mean something else now."""
        self._newest = 0
        self._restored = {}

    def prepended(self, first: int, raws: Sequence[bytes]) -> None:
        """The entries from number `first` on have just been put before the ring's start."""
        for number, raw in enumerate(raws, first):
            if not is_comment(raw) and isinstance(notice := decode_notice(raw), Restored):
                with suppress(msgspec.DecodeError):  # not from a writer of ours
                    self._restored.setdefault(decode_seq(bytes(notice.comment)), number)

    def appended(self, raw: bytes) -> None:
        """The entry `raw` has just become the ring's head."""
        if is_comment(raw):  # nearly always
            return
        notice = decode_notice(raw)
        if notice is None:
            return
        self._newest = self._ring.head
        try:
            if isinstance(notice, Removed):
                for seq in notice.targets:
                    self._hide(seq)
                    self._hide(self._restored.pop(seq, 0))
            else:
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
        self._restored[seq] = self._ring.head
        if len(self._restored) > MAX_RESTORED:
            held = self._ring.holds
            self._restored = {one: by for one, by in self._restored.items() if held(by)}
        if self._ring.holds(seq) and entry_type(self._find(seq)) == TOMBSTONE:
            self._replace(seq, comment)

    def _find(self, seq: int) -> bytes:
        return decode_frame(self._ring.frame(seq))

    def _replace(self, seq: int, raw: bytes) -> None:
        self._ring.replace(seq, encode_frame(self._ring.epoch, seq, raw))
        self._stats.redacted += 1
