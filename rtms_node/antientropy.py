"""When to compare each video with the store, so that a lost forward is found although nothing
follows it.

A video with a comment or a join in the last minute is checked every 2 s, a quiet one every 10 s;
while ZooKeeper or Redis is away, all are checked every 2 s. A comment that is delivered in order
postpones nothing: it may be late, and those after it lost. This is a plain schedule: it says what
is due, and the caller asks the store.

Invariants: each video is in one bunch, which falls due as a whole. So a node of some hundred videos
asks once in an interval, not for each of them. A bunch has a bound, and those of a large node begin
at times of chance, or all videos of a burst of joins would be checked together for ever.
"""

from __future__ import annotations

import random
from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter

BUNCH_SIZE = 256


@dataclass(frozen=True, slots=True)
class AntiEntropyTimes:
    """Seconds."""

    active_s: float = 2.0
    quiet_s: float = 10.0
    active_for_s: float = 60.0


@dataclass(slots=True, eq=False)
class _Bunch:
    due: float
    videos: dict[str, None] = field(default_factory=dict)


class AntiEntropySchedule:
    """Times are the event loop's, in seconds. bunch_size: how many videos share a time."""

    def __init__(self, times: AntiEntropyTimes, bunch_size: int = BUNCH_SIZE) -> None:
        self._times, self._bunch_size = times, bunch_size
        self._bunches: list[_Bunch] = []  # by time
        self._bunch_of: dict[str, _Bunch] = {}
        self.fast = False

    def __len__(self) -> int:
        return len(self._bunch_of)

    @property
    def next_due(self) -> float | None:
        """When to ask for what is due; None while there is no video."""
        return self._bunches[0].due if self._bunches else None

    def add(self, video_id: str, now: float) -> None:
        """Start to check a video."""
        self._put_soon([video_id], now)

    def discard(self, video_id: str) -> None:
        """Stop checking it."""
        bunch = self._bunch_of.pop(video_id, None)
        if bunch is not None:
            bunch.videos.pop(video_id, None)
            if not bunch.videos:
                self._bunches.remove(bunch)

    def hasten(self, video_id: str, now: float) -> None:
        """The video is active again: check it within the short interval."""
        bunch = self._bunch_of.get(video_id)
        if bunch is not None and bunch.due > now + self._times.active_s:
            self.discard(video_id)
            self._put_soon([video_id], now)

    def set_fast(self, fast: bool, now: float) -> None:
        """All videos at the short interval, or back to normal."""
        self.fast = fast
        if fast:
            later = [bunch for bunch in self._bunches if bunch.due > now + self._times.active_s]
            del self._bunches[len(self._bunches) - len(later) :]
            for bunch in later:
                self._put_soon(list(bunch.videos), now)

    def take_due(self, now: float, active_at: Callable[[str], float], at_most: int) -> list[str]:
        """Videos to check now, up to `at_most`, each scheduled again; `active_at` gives a video's
        last activity.
        """
        due: list[str] = []
        while self._bunches and self._bunches[0].due <= now and len(due) < at_most:
            due += self._take_first(at_most - len(due))
        active_from = float("-inf") if self.fast else now - self._times.active_for_s
        active = [video_id for video_id in due if active_at(video_id) >= active_from]
        self._put(active, now, self._times.active_s)
        if len(active) < len(due):
            quiet = list(dict.fromkeys(due).keys() - set(active))
            self._put(quiet, now, self._times.quiet_s)
        return due

    def _take_first(self, at_most: int) -> Iterable[str]:
        """Of the first bunch; what is not taken stays due."""
        videos = self._bunches[0].videos
        if len(videos) <= at_most:
            return self._bunches.pop(0).videos
        taken = list(islice(videos, at_most))
        for video_id in taken:
            del videos[video_id]
        return taken

    def _put_soon(self, videos: list[str], now: float) -> None:
        spread = random.uniform(0.25, 1.0)  # noqa: S311 - spreads load only
        self._put(videos, now, self._times.active_s, spread)

    def _put(self, videos: list[str], now: float, within_s: float, spread: float = 1.0) -> None:
        """Into the last bunch within that time that has room for all of them, or into a new one."""
        if not videos:
            return
        bunch = self._find_bunch(len(videos), now + within_s / 4, now + within_s)
        if bunch is None:
            bunch = _Bunch(now + spread * within_s)
            insort(self._bunches, bunch, key=attrgetter("due"))
        bunch.videos.update(dict.fromkeys(videos))
        self._bunch_of.update(dict.fromkeys(videos, bunch))

    def _find_bunch(self, count: int, earliest: float, latest: float) -> _Bunch | None:
        for bunch in reversed(self._bunches):
            if earliest <= bunch.due <= latest and len(bunch.videos) + count <= self._bunch_size:
                return bunch
        return None
