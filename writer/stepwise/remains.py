"""What a store keeps of a removed comment: its row.

Invariant: a row changes only under a condition on what was read of it, so whoever was first is seen
by all others, whatever their clocks say.
"""

from __future__ import annotations

from typing import NamedTuple

from writer.redaction import Kept


class Remains(NamedTuple):
    """One row. raw: the public JSON, None when it cannot be restored any more; since: a head from
    before it was removed; notice: the number of the entry that removed it, if it is above `since`
    (else that entry lies after `since`, or was never numbered); restoring: the same as `since`, of
    a restoration that is not known to be done; restored: no entry below it shows the comment again
    that is no tombstone; stamp: what its store has to know to see whether the text is still this
    one. Whether it is removed now says its pack.
    """

    raw: bytes | None
    since: int | None
    notice: int | None
    restoring: int | None
    restored: int | None
    stamp: int = 0

    @property
    def shown_after(self) -> int | None:
        """After this number lie all entries that show it again and are no tombstones; None if there
        is none.
        """
        lowest = self._lowest_shown
        befores = [] if lowest is None else [lowest - 1]
        if self.restoring is not None:
            befores.append(self.restoring)
        return min(befores, default=None)

    @property
    def known_notice(self) -> int | None:
        """The number of the entry that removed it, None while that is not known."""
        if self.notice is None or self.since is None or self.notice <= self.since:
            return None
        return self.notice

    def begun(self, since: int) -> Remains:
        """As it is when a restoration begins whose entry will lie after `since`. One that began
        before, or an entry that a removal has not come to because a restoration overtook it, may
        still show the comment.
        """
        after = self.shown_after
        return self._replace(restoring=since, restored=None if after is None else after + 1)

    def ended(self, number: int) -> Remains:
        """As it is when the entry `number` shows it again."""
        lowest = self._lowest_shown
        return self._replace(
            restoring=None, restored=number if lowest is None else min(lowest, number)
        )

    @property
    def _lowest_shown(self) -> int | None:
        # Before a notice is numbered, tombstones take the place of all such entries before it.
        if self.restored is None or self.restored < (self.known_notice or 0):
            return None
        return self.restored

    def kept(self) -> Kept:
        """For the rules that all stores share; notice 0 if it is not known."""
        return Kept(self.raw, self.known_notice or 0)


NOTHING = Remains(None, None, None, None, None)
