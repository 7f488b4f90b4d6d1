"""Deadlines: until when something must have happened, given the troubles that it meets.

What the recorder itself came late (`lag_s`) is added to each: that is not held against anybody.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from tests.chaos.history import History, Trouble, Watch
from tests.chaos.judge_log import ENTRIES
from tests.support import TIMEOUT_FACTOR

# A lost forward costs one anti-entropy check (2 s), its repair, and what a busy machine adds; see
# the bounds.
STEADY_S = 4.0 * TIMEOUT_FACTOR


class Due:
    """Until when a thing must be done: soon, or when the troubles it meets are over. What comes
    later is never due earlier.
    """

    def __init__(self, troubles: Iterable[Trouble], lag_s: float = 0.0) -> None:
        self._troubles = sorted(troubles, key=lambda trouble: trouble.began_at)
        self._lag_s = lag_s

    @classmethod
    def of_comments(cls, history: History) -> Due:
        """For entries, and for calls to the gateway."""
        return cls((t for t in history.troubles if not t.only_routes), history.lag_s)

    @classmethod
    def of_joins(cls, history: History) -> Due:
        """For whoever asks for a stream."""
        visible = (t for t in history.troubles if not t.only_routes or t.joins_wait)
        return cls(visible, history.lag_s)

    def after(self, at: float, steady_s: float = STEADY_S) -> float:
        """The deadline of what was asked for, or known, then. steady_s: without troubles."""
        deadline = at + steady_s
        for trouble in self._troubles:
            if trouble.began_at <= deadline and trouble.over_at > at:
                deadline = max(deadline, trouble.over_at)
        return deadline + self._lag_s

    def is_troubled(self, begin: float, end: float) -> bool:
        """Whether any trouble falls into this time."""
        return any(t.began_at <= end and begin <= t.over_at for t in self._troubles)


def acked_at(history: History) -> dict[tuple[str, int], float]:
    """When each entry was first acknowledged, a comment, the notice of a removal, a pin: (video,
    number) -> time.
    """
    found: dict[tuple[str, int], float] = {}
    for post in history.posts:
        for call in post.acks[:1]:
            found[post.video_id, (call.answer or {}).get("seq", 0)] = call.returned_at
    for one in history.moderation:
        for at, notice in one.notices:
            key = (one.video_id, notice.get("seq", 0))
            found[key] = min(at, found.get(key, math.inf))
    return found


def known_at(history: History) -> dict[tuple[str, int], float]:
    """From when on each entry had to come to every screen: it was acknowledged, or one screen had
    it. So what nobody was told of, and is stored all the same, is due too.
    """
    found = acked_at(history)
    for watch in history.watches:
        for seq, at in live_entries(watch):
            key = (watch.video_id, seq)
            if at < found.get(key, math.inf):
                found[key] = at
    return found


def resumed_at(watch: Watch) -> float:
    """When the first hello came; infinity if none did."""
    for at, event in zip(watch.times, watch.events, strict=True):
        if event.type == "hello":
            return at
    return math.inf


def live_entries(watch: Watch) -> Iterator[tuple[int, float]]:
    """The numbers of entries on a screen with their times, without those that were old when the
    viewer came.
    """
    old: int | None = None
    for at, event in zip(watch.times, watch.events, strict=True):
        if event.type in ENTRIES:
            if old is not None and event.data["seq"] > old:
                yield event.data["seq"], at
        elif event.type == "hello" and old is None:
            old = int(event.data["head"].rpartition("-")[2])
