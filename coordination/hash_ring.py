"""Which of several equal processes to prefer for a video.

Invariants: the order depends only on the set of members and the video id, never on the process that
asks or on the order in which members were learned; a member that comes or goes moves only its own
share. The points are MD5 (uhashring's default), not Python's `hash`, which differs between
processes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

import uhashring

MAX_CACHED_ORDERS = 20_000  # about 10 MB; beyond it the least recently used is worked out again


class HashRing:
    """A consistent hash ring over member ids. `order` reads memory only."""

    def __init__(self, members: Iterable[str] = (), *, max_cached: int = MAX_CACHED_ORDERS) -> None:
        self._members: frozenset[str] = frozenset()
        self._ring = uhashring.HashRing([])
        self._orders: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._max_cached = max_cached
        self.set_members(members)

    @property
    def members(self) -> frozenset[str]:
        """The ids on the ring."""
        return self._members

    def set_members(self, members: Iterable[str]) -> None:
        """Put exactly `members` on the ring; costs about 1 ms a member when the set has changed."""
        wanted = frozenset(members)
        if wanted == self._members:
            return
        self._members = wanted
        # Sorted, so that two processes also agree where two points collide.
        self._ring = uhashring.HashRing(sorted(wanted))
        self._orders.clear()

    def order(self, video_id: str) -> tuple[str, ...]:
        """All members, the preferred one first; empty when there is none."""
        known = self._orders.get(video_id)
        if known is not None:
            self._orders.move_to_end(video_id)
            return known
        if not self._members:
            return ()
        order = tuple(node["nodename"] for node in self._ring.range(video_id))
        self._orders[video_id] = order
        if len(self._orders) > self._max_cached:
            self._orders.popitem(last=False)
        return order
