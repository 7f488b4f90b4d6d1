"""How long to wait before the next attempt, and when to give up.

Delays have full jitter: a random part of a limit that doubles, so that those who were cut off
together do not come back together. Time is what a monotonic clock has counted, and an attempt is
charged no more than it may take: a machine that slept has not used its time up.
"""

from __future__ import annotations

import random
from collections.abc import Callable

MAX_DELAY_S = 10.0
FIRST_RETRY_S = 2.0  # until the server has said its own
MAX_RETRY_S = 60.0  # whatever a server says

_CALL_BASE_S = 0.25
_LEAST_BASE_S = 1.0
_MAX_DOUBLINGS = 10

Uniform = Callable[[float, float], float]


class Reconnects:
    """Of one stream: when it is opened again. `retry_s` is what the server has last said."""

    def __init__(self, uniform: Uniform = random.uniform) -> None:
        self._uniform = uniform
        self.retry_s = FIRST_RETRY_S
        self._failures = 0

    def note_retry(self, retry_ms: int | None) -> None:
        """The stream's `retry:`, if it has one."""
        if retry_ms is not None:
            self.retry_s = min(retry_ms / 1000, MAX_RETRY_S)

    def note_hello(self) -> None:
        """An attempt has got its place."""
        self._failures = 0

    def note_failure(self) -> None:
        """An attempt has ended without a place."""
        self._failures += 1

    def delay_s(self, least_s: float = 0.0) -> float:
        """At most `retry_s`, which doubles with each failure, up to MAX_DELAY_S; at least
        `least_s`, which the server has asked for.
        """
        base = max(self.retry_s, _LEAST_BASE_S) if self._failures else self.retry_s
        most = min(MAX_DELAY_S, base * 2 ** min(self._failures, _MAX_DOUBLINGS))
        least = min(least_s, MAX_RETRY_S)
        return self._uniform(least, max(least, most))


class Budget:
    """Of one call: how long it may go on trying."""

    def __init__(self, limit_s: float, uniform: Uniform = random.uniform) -> None:
        self._left_s = limit_s
        self._uniform = uniform
        self._attempts = 0

    def charge(self, took_s: float, most_s: float) -> None:
        """An attempt took so long, by a monotonic clock; it may have taken `most_s`."""
        self._left_s -= min(max(took_s, 0.0), most_s)
        self._attempts += 1

    def next_delay_s(self, least_s: float | None) -> float | None:
        """How long to wait now, at least `least_s`; None if that is more than is left."""
        least = least_s or 0.0
        limit = min(MAX_DELAY_S, _CALL_BASE_S * 2 ** min(self._attempts, _MAX_DOUBLINGS))
        delay = least + self._uniform(0.0, limit)
        if least > self._left_s or self._left_s <= 0:
            return None
        delay = min(delay, self._left_s)
        self._left_s -= delay
        return delay
