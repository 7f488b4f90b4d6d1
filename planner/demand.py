"""What is asked of the system, and how nodes answer to it: the input of every placement.

Invariants: comments of a video come independently, in proportion to its viewers; viewers come and
go independently of one another. Times are those of the programs' own settings, never copies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from math import exp

from planner.constants import Constants
from planner.placement import Audience, Audiences, Rules
from rtms_node.antientropy import AntiEntropyTimes
from rtms_node.limits import Limits

MAX_VIDEOS = 10_000_000  # 4 bytes each, and some 10 us
_EXACT, _ALIKE = 1_000, 200
_CHECK_JITTER = 0.875  # mean of 0.75 to 1
_CHECK_TICK_S = 0.125  # half of the interval at which due anti-entropy checks are looked for
_BEATS_TO_NOTICE = 1.5  # HAProxy misses a viewer at the second write after it left
_WRITES_TO_NOTICE = 2.0
_LARGEST_EXPONENT = 700.0


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked for. Viewers and comments are spread over the videos by Zipf's law: the r-th
    has a share in proportion to r ** -zipf (0: all alike). Viewers stay `stay_s` on average.
    `comment_bytes` is the public JSON; the videos are called `prefix`1, `prefix`2 ...
    """

    viewers: float
    videos: int
    comments_per_s: float
    zipf: float = 1.0
    stay_s: float = 600.0
    comment_bytes: float = 230.0
    replay: float = 20.0
    prefix: str = "video-"

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot be."""
        if not 1 <= self.videos <= MAX_VIDEOS:
            raise ValueError(f"videos must be 1 to {MAX_VIDEOS:,}")
        if min(self.viewers, self.comments_per_s, self.zipf, self.comment_bytes, self.replay) < 0:
            raise ValueError("viewers, comments, exponent and sizes must not be negative")
        if self.stay_s <= 0:
            raise ValueError("a stay must take time")

    def shares(self) -> Iterator[float]:
        """Of each video, the most watched first; their sum is 1."""
        for _, share, count in self.steps():
            yield from repeat(share, count)

    def steps(self) -> list[tuple[int, float, int]]:
        """(first rank, share of each, number) of videos that are alike. Beyond the first thousand,
        neighbours (of a two-hundredth of their rank) share their mean.
        """
        steps = list(self._weights())
        total = sum(weight * count for _, weight, count in steps)
        return [(first, weight / total, count) for first, weight, count in steps]

    def _weights(self) -> Iterator[tuple[int, float, int]]:
        first = 1
        while first <= self.videos:
            after = min(first + max(first // _ALIKE, 1), self.videos + 1)
            ranks = range(first, after) if first <= _EXACT else ((first + after - 1) / 2,)
            yield first, sum(rank**-self.zipf for rank in ranks) / len(ranks), after - first
            first = after


def audiences(demand: Demand) -> Audiences:
    """The videos of a demand, for a placement."""

    def every() -> Iterator[Audience]:
        for first, share, count in demand.steps():
            rate = demand.comments_per_s * share
            stay_s = demand.stay_s + unnoticed_s(rate)
            streams = demand.viewers * share * stay_s / demand.stay_s
            yield Audience(demand.prefix, first, count, streams, rate, 1.0 / stay_s)

    return every


def rules(constants: Constants) -> Rules:
    """How nodes behave, from their settings."""
    limits, times = Limits(), AntiEntropyTimes()
    return Rules(
        linger_s=limits.linger_s,
        active_for_s=times.active_for_s,
        active_every_s=_CHECK_JITTER * times.active_s + _CHECK_TICK_S,
        quiet_every_s=_CHECK_JITTER * times.quiet_s + _CHECK_TICK_S,
        beat_after_s=limits.heartbeat_s,
        batches_per_s=partial(gathered, busy_s=constants.commit_s),
        rounds_per_s=partial(writes_per_s, constants, limits),
    )


def unnoticed_s(comments_per_s: float) -> float:
    """For how long the gateway keeps the stream of a viewer that has left."""
    silent_s = _BEATS_TO_NOTICE * Limits().heartbeat_s
    return min(_WRITES_TO_NOTICE / comments_per_s, silent_s) if comments_per_s else silent_s


def writes_per_s(constants: Constants, limits: Limits, rate: float, viewers: float) -> float:
    """Writes to one viewer of a video: a round lasts as long as its walk over the viewers, the next
    one waits for a tick.
    """
    round_s = viewers * constants.node_write
    tick_s = min(max(2 * round_s, limits.tick_min_s), limits.tick_max_s)
    return gathered(rate, max(tick_s, round_s))


def gathered(rate: float, busy_s: float) -> float:
    """How often something is done when each time takes `busy_s`, what comes meanwhile is done
    together the next time, and what comes alone is done at once.
    """
    if rate <= 0:
        return 0.0
    return 1.0 / (busy_s + exp(-min(rate * busy_s, _LARGEST_EXPONENT)) / rate)
