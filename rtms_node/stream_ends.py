"""Streams that must end at a known time: those that were opened with a ticket.

Invariants: a viewer is in one slot of a second, that of its end, until it leaves or is taken. Only
viewers with a ticket are here, and none has a timer; what is due costs the slots that have become
due and the viewers in them, not those that go on.
"""

from __future__ import annotations

from identity.revocations import Revocations
from rtms_node.viewer import Viewer

Issue = tuple[str, int]  # of a token: author id, seconds since 1970


class StreamEnds:
    """Owned by the hub. Times are the event loop's, in seconds. knows_revoked: whether it is known
    whose tickets do not count any more.
    """

    def __init__(self) -> None:
        self.knows_revoked = True
        self._slots: dict[int, dict[Viewer, None]] = {}
        self._slot_of: dict[Viewer, int] = {}
        self._issues: dict[Viewer, Issue] = {}
        self._taken = 0  # slots below have been taken

    def __len__(self) -> int:
        return len(self._slot_of)

    def add(self, viewer: Viewer, ends_at: float, issue: Issue | None = None) -> None:
        """It is to be taken within its last second; at once if that is over. issue: to whom
        and when the token of its ticket was issued.
        """
        slot = max(int(ends_at), self._taken)
        self._slot_of[viewer] = slot
        if issue is not None:
            self._issues[viewer] = issue
        self._slots.setdefault(slot, {})[viewer] = None

    def discard(self, viewer: Viewer) -> None:
        """It has left."""
        self._issues.pop(viewer, None)
        slot = self._slot_of.pop(viewer, None)
        if slot is None:
            return
        del self._slots[slot][viewer]
        if not self._slots[slot]:
            del self._slots[slot]
        if not self._slot_of:
            self._slot_of.clear()  # else it keeps the memory of those that were in it

    def take(self, now: float) -> list[Viewer]:
        """Remove and return those whose end has come."""
        first, self._taken = self._taken, int(now) + 1
        if not self._slots:  # nothing to walk over: perhaps nobody was here for days
            return []
        due = [v for slot in range(first, self._taken) for v in self._slots.pop(slot, ())]
        for viewer in due:
            del self._slot_of[viewer]
            self._issues.pop(viewer, None)
        return due

    def revoke(self, revocations: Revocations) -> None:
        """Those whose tickets do not count any more are to be taken at once."""
        self.knows_revoked = revocations.known
        revoked = [v for v, issue in self._issues.items() if revocations.revokes(*issue)]
        for viewer in revoked:
            self.discard(viewer)
            self.add(viewer, 0)
