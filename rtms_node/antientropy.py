"""When to compare each video with the store, so that a lost forward is found although nothing
follows it.

A video with a comment or a join in the last minute is checked every 2 s, a quiet one every 10 s;
while ZooKeeper or Redis is away, all are checked every 2 s. Times are jittered, or all videos of a
burst of joins would be checked together for ever. This is a plain schedule: it says what is due,
and the caller asks the store.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AntiEntropyTimes:
    """Seconds."""

    active_s: float = 2.0
    quiet_s: float = 10.0
    active_for_s: float = 60.0


class AntiEntropySchedule:
    """A video is due when `_due` says so; entries of the heap that differ from it are stale."""

    def __init__(self, times: AntiEntropyTimes) -> None:
        self._times = times
        self._heap: list[tuple[float, str]] = []
        self._due: dict[str, float] = {}
        self.fast = False

    def __len__(self) -> int:
        return len(self._due)

    def add(self, video_id: str, now: float) -> None:
        """Start to check a video."""
        self._set(video_id, now + self._jittered(self._times.active_s))

    def discard(self, video_id: str) -> None:
        """Stop checking it."""
        self._due.pop(video_id, None)

    def hasten(self, video_id: str, now: float) -> None:
        """The video is active again: check it within the short interval."""
        if self._due.get(video_id, 0.0) > now + self._times.active_s:
            self._set(video_id, now + self._jittered(self._times.active_s))

    def set_fast(self, fast: bool, now: float) -> None:
        """All videos at the short interval, or back to normal."""
        self.fast = fast
        if fast:
            for video_id in list(self._due):
                self.hasten(video_id, now)

    def take_due(self, now: float, active_at: Callable[[str], float], at_most: int) -> list[str]:
        """Videos to check now, up to `at_most`, each scheduled again; `active_at` gives a video's
        last activity.
        """
        due: list[str] = []
        while self._heap and self._heap[0][0] <= now and len(due) < at_most:
            at, video_id = heapq.heappop(self._heap)
            if self._due.get(video_id) != at:
                continue
            due.append(video_id)
            active = self.fast or now - active_at(video_id) <= self._times.active_for_s
            interval_s = self._times.active_s if active else self._times.quiet_s
            self._set(video_id, now + self._jittered(interval_s))
        return due

    def _set(self, video_id: str, at: float) -> None:
        self._due[video_id] = at
        heapq.heappush(self._heap, (at, video_id))

    def _jittered(self, interval_s: float) -> float:
        return interval_s * random.uniform(0.75, 1.0)  # noqa: S311 - spreads load only
