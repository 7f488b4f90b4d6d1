"""Helpers that every floor of tests may use."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

TIMEOUT_FACTOR = float(os.environ.get("TIMEOUT_FACTOR", "1"))
EXAMPLES = int(os.environ.get("EXAMPLES", "1"))  # how many times as long hypothesis searches


# Called without arguments; in a loop a lambda binds what changes as a default: `lambda n=n: ...`.
Condition = Callable[..., object]


async def eventually(condition: Condition, timeout_s: float = 20.0) -> None:
    """Wait until `condition()` is true; AssertionError after `timeout_s` (times TIMEOUT_FACTOR)."""
    deadline = time.monotonic() + timeout_s * TIMEOUT_FACTOR
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        await asyncio.sleep(0.01)


def examples(count: int) -> int:
    """How many examples hypothesis tries where `count` are right for every day; see
    tests/conftest.py.
    """
    return count * EXAMPLES
