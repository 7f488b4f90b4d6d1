"""For how long a write may be tried again, and the pauses between two attempts."""

from __future__ import annotations

import asyncio
import random
import time

SETTLE_WITHIN_S = 4.5  # less than the deadline of a post
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.001, 0.2


async def pause(attempt: int, deadline: float) -> None:
    """Longer each time, with jitter: whoever lost a race must not meet the same writer again.

    Raises TimeoutError after the deadline.
    """
    if time.monotonic() >= deadline:
        raise TimeoutError
    longest_s = min(_FIRST_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S)
    await asyncio.sleep(longest_s * random.random())  # noqa: S311 - jitter
