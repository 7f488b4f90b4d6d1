"""How long to wait before Redis is tried again."""

from __future__ import annotations

import random

FIRST_S, LONGEST_S = 0.05, 1.0


class BackOff:
    """Doubles from FIRST_S to LONGEST_S, with chance in it: a Redis that comes back must not meet
    all processes in one moment.
    """

    def __init__(self) -> None:
        self._failures = 0

    def reset(self) -> None:
        """It worked."""
        self._failures = 0

    def next_s(self) -> float:
        """It failed: the pause before the next attempt."""
        longest = min(FIRST_S * 2.0 ** min(self._failures, 10), LONGEST_S)
        self._failures += 1
        return float(longest) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
