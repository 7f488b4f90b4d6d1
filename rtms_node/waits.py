"""Viewers that wait: for a `hello` or a backfill, over all rooms of a node; or for their end.

Invariants: a viewer is here at most once, since when its wait began; oldest first, so whoever looks
for those that have waited too long sees only these. A viewer that was found is not here any more.
"""

from __future__ import annotations

from itertools import takewhile

from rtms_node.viewer import Viewer


class Waits:
    """The node's context owns one, of which the admission and the backfill of each room say who
    waits; the partings own another.
    """

    def __init__(self) -> None:
        self._since: dict[Viewer, float] = {}

    def __len__(self) -> int:
        return len(self._since)

    @property
    def oldest(self) -> tuple[Viewer, float]:
        """Who waits the longest, and since when. StopIteration if nobody waits."""
        return next(iter(self._since.items()))

    def begin(self, viewer: Viewer, now: float) -> None:
        """It waits; if it does already, its wait goes on."""
        self._since.setdefault(viewer, now)

    def end(self, viewer: Viewer) -> None:
        """It waits no longer, or has left."""
        self._since.pop(viewer, None)
        if not self._since:
            self._since.clear()  # else it keeps the memory of those that were in it

    def take_since(self, at: float) -> list[Viewer]:
        """Remove and return those that wait since `at` or longer."""
        late = [v for v, _ in takewhile(lambda wait: wait[1] <= at, self._since.items())]
        for viewer in late:
            self.end(viewer)
        return late
