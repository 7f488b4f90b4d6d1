"""How long to wait before something that failed is tried again."""

from __future__ import annotations

import random

FIRST_S, LONGEST_S = 0.02, 1.0


class BackOff:
    """Doubles from `first_s` to `longest_s`, with chance in it: what comes back must not meet all
    processes in one moment.
    """

    def __init__(self, first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> None:
        self._first_s, self._longest_s = first_s, longest_s
        self.failures = 0

    def reset(self) -> None:
        """It worked."""
        self.failures = 0

    def next_s(self) -> float:
        """It failed: the pause before the next attempt, in seconds."""
        longest = min(self._first_s * 2.0 ** min(self.failures, 30), self._longest_s)
        self.failures += 1
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
