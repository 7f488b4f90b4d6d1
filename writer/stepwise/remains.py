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
    a restoration that is not known to be done; restored: the number of the entry that showed it
    again last. Whether it is removed now says its pack.
    """

    raw: bytes | None
    since: int | None
    notice: int | None
    restoring: int | None
    restored: int | None

    @property
    def shown_after(self) -> int | None:
        """After this number lies the entry that shows it again, if there is one."""
        if self.restoring is not None:
            return self.restoring
        return None if self.restored is None else self.restored - 1

    @property
    def known_notice(self) -> int | None:
        """The number of the entry that removed it, None while that is not known."""
        if self.notice is None or self.since is None or self.notice <= self.since:
            return None
        return self.notice

    def kept(self) -> Kept:
        """For the rules that all stores share; notice 0 if it is not known."""
        return Kept(self.raw, self.known_notice or 0)


NOTHING = Remains(None, None, None, None, None)
