"""Popularity as it is: the video of rank r is chosen 1/r**exponent as often as the first."""

from __future__ import annotations

import random
from itertools import accumulate


class Zipf:
    """Chooses videos 0 (the hottest) to `count` - 1; the same seed chooses the same ones."""

    def __init__(self, count: int, exponent: float, seed: int) -> None:
        self._videos = range(count)
        self._up_to = list(accumulate(1 / rank**exponent for rank in range(1, count + 1)))
        self._random = random.Random(seed)

    def choose(self, count: int) -> list[int]:
        """So many videos, in the order in which they come."""
        return self._random.choices(self._videos, cum_weights=self._up_to, k=count)
