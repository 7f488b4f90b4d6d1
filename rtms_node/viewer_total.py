"""How many watch one video on all nodes, and when its viewers are told.

Invariants: all viewers of a room have been told the same, which is the total but for what has
changed in the last seconds, and above a hundred for less than one percent. They are told when they
are admitted, and all together on a change, at most every two seconds. What is to be told goes with
the comments of the next round, in the same write; if none comes soon it goes alone, and is the
room's heartbeat.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection

from rtms_node.context import NodeContext
from rtms_node.viewer import Viewer
from wire.sse import viewers_frame

TOLD_EVERY_S = 2.0
JOIN_S = 0.5  # at most, for a round to go with
_EARLY_S = 0.01  # a timer's clock is no finer
_EXACT_UP_TO = 100
_PART = 100  # one in so many is a change, above that


class ViewerTotal:
    """Owned by a room. viewers: those of this node, who are in every total that is told."""

    __slots__ = (
        "_ctx", "_now", "_pending", "_send", "_timer", "_told", "_told_at", "_viewers", "peak",
    )  # fmt: skip

    def __init__(
        self, context: NodeContext, viewers: Collection[Viewer], send: Callable[[], None]
    ) -> None:
        """`send` is called when the viewers have to be told without a round of comments."""
        self._ctx, self._viewers, self._send = context, viewers, send
        self._now: int | None = None
        self.peak = 0
        self._told: tuple[int, int] | None = None
        self._told_at = float("-inf")
        self._pending = False  # there is news, to be taken by the next round that it is time for
        self._timer: asyncio.TimerHandle | None = None

    @property
    def shown(self) -> tuple[int, int] | None:
        """How many, and the peak, for who is admitted now; None while it is not known."""
        return self._told or self._newest()

    def learn(self, now: int, peak: int) -> None:
        """The total of all nodes, as of now. peak: the most that is sure, which may be less."""
        self._now, self.peak = now, max(self.peak, peak)
        if not self._pending and self._is_news():
            self._pending = True
            loop = self._ctx.loop
            wait_s = max(self._told_at + TOLD_EVERY_S - loop.time(), 0.0)
            join_s = random.uniform(JOIN_S / 2, JOIN_S)  # noqa: S311 - spreads load only
            self._timer = loop.call_later(wait_s + join_s, self._alone)

    def frame(self) -> bytes | None:
        """The `viewers` event for one viewer, None while it is not known. Whoever was there before
        has been told, or will be.
        """
        shown = self.shown
        if not self._pending:
            self._told = shown
        return None if shown is None else viewers_frame(*shown)

    def take_news(self) -> bytes | None:
        """The event for all viewers, if it is time; they have to be sent it."""
        now = self._ctx.loop.time()
        if not self._pending or now < self._told_at + TOLD_EVERY_S - _EARLY_S:
            return None
        self.close()
        if not self._is_news():
            return None
        self._told_at, self._told = now, self._newest()
        self._ctx.stats.viewer_events += 1
        return self.frame()

    def close(self) -> None:
        """Forget what is scheduled."""
        self._pending = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _newest(self) -> tuple[int, int] | None:
        if self._now is None:
            return None
        now = max(self._now, len(self._viewers))
        return now, max(now, self.peak)

    def _is_news(self) -> bool:
        newest = self._newest()
        if newest is None or not self._viewers:
            return False
        if self._told is None:  # those who wait for their `hello` are told with it
            return any(viewer.cursor >= 0 for viewer in self._viewers)
        return any(map(_differs, self._told, newest))

    def _alone(self) -> None:
        self._timer = None
        self._send()


def _differs(told: int, newest: int) -> bool:
    change = abs(newest - told)
    return change * _PART >= told if told > _EXACT_UP_TO else change > 0
