"""A rate for each address: a token bucket that holds two seconds' worth.

At most MAX_ADDRESSES buckets are kept; the one that was used least recently goes first, and starts
full if its address comes back.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from service.edge import address_owner
from wire.errors import TooManyRequests

MAX_ADDRESSES = 100_000
_BURST_S = 2.0


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests a second of one address, by what they ask for; 0: no limit."""

    posts: float = 0
    gets: float = 0


class RateLimit:
    """`per_second` 0 means no limit."""

    def __init__(self, per_second: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._clock = per_second, clock
        self._burst = max(1.0, per_second * _BURST_S)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, as of when

    def take(self, address: str) -> None:
        """Use one token of an address; raises TooManyRequests if it has none."""
        if self._per_second <= 0:
            return
        now, owner = self._clock(), address_owner(address)
        tokens, since = self._buckets.pop(owner, (self._burst, now))
        tokens = min(self._burst, tokens + (now - since) * self._per_second)
        allowed = tokens >= 1.0
        self._buckets[owner] = (tokens - 1.0 if allowed else tokens, now)
        if len(self._buckets) > MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        if not allowed:
            raise TooManyRequests(retry_after_s=math.ceil((1.0 - tokens) / self._per_second))
