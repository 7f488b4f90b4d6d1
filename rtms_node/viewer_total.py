"""How many watch one video on all nodes, and when its viewers are told.

Invariants: viewers are told when they are admitted, and all together at most every two seconds, and
only of a change: above a hundred, of one percent. What is to be told goes with the comments of the
next round, in the same write; if none comes soon it goes alone, and is the room's heartbeat.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sized

from rtms_node.context import NodeContext
from wire.sse import viewers_frame

TOLD_EVERY_S = 2.0
JOIN_S = 1.0  # at most, for a round to go with
_EXACT_UP_TO = 100
_PART = 100  # one in so many is a change, above that


class ViewerTotal:
    """Owned by a room. viewers: those of this node, who are in every total that is shown."""

    __slots__ = ("_ctx", "_now", "_send", "_timer", "_told", "_told_at", "_viewers", "peak")

    def __init__(self, context: NodeContext, viewers: Sized, send: Callable[[], None]) -> None:
        """`send` is called when the viewers have to be told without a round of comments."""
        self._ctx, self._viewers, self._send = context, viewers, send
        self._now: int | None = None
        self.peak = 0
        self._told: int | None = None
        self._told_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    @property
    def shown(self) -> tuple[int, int] | None:
        """Now, and the peak; None while it is not known."""
        if self._now is None:
            return None
        now = max(self._now, len(self._viewers))
        return now, max(now, self.peak)

    def learn(self, now: int, peak: int) -> None:
        """The total of all nodes, as of now."""
        self._now, self.peak = now, peak
        if self._timer is None and self._is_news():
            loop = self._ctx.loop
            wait_s = max(self._told_at + TOLD_EVERY_S - loop.time(), 0.0)
            join_s = random.uniform(JOIN_S / 2, JOIN_S)  # noqa: S311 - spreads load only
            self._timer = loop.call_later(wait_s + join_s, self._alone)

    def frame(self) -> bytes | None:
        """The `viewers` event for one viewer, None while there is nothing to tell."""
        shown = self.shown
        if shown is None:
            return None
        if self._told is None and self._timer is None:  # nobody came before it was known
            self._told = shown[0]
        return viewers_frame(*shown)

    def take_news(self) -> bytes | None:
        """The event for all viewers, if it is time; they have to be sent it."""
        if self._timer is None or self._ctx.loop.time() < self._told_at + TOLD_EVERY_S:
            return None
        self.close()
        if not self._is_news():
            return None
        self._told_at, self._told = self._ctx.loop.time(), None
        frame = self.frame()
        self._ctx.stats.viewer_events += 1
        return frame

    def close(self) -> None:
        """Cancel what is scheduled."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_news(self) -> bool:
        shown = self.shown
        if shown is None or not self._viewers:
            return False
        if self._told is None:
            return True
        change = abs(shown[0] - self._told)
        return change * _PART >= self._told if self._told > _EXACT_UP_TO else change > 0

    def _alone(self) -> None:
        self._send()
        self.close()
