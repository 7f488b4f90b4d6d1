"""Helpers that every floor of tests may use."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

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


async def wait_out(seconds: float) -> None:
    """A fault lasts as long as its row says: here that is what is tested, and no luck."""
    end = time.monotonic() + seconds
    await eventually(lambda: time.monotonic() >= end, seconds * 2)


class Startable(Protocol):
    """What is started for a test and stopped after it."""

    async def start(self) -> Any: ...

    async def stop(self) -> None: ...


S = TypeVar("S", bound=Startable)


@asynccontextmanager
async def started(thing: S) -> AsyncIterator[S]:
    """Started; stopped at the end, whatever happens."""
    await thing.start()
    try:
        yield thing
    finally:
        await thing.stop()


def examples(count: int) -> int:
    """How many examples hypothesis tries where `count` are right for every day; see
    tests/conftest.py.
    """
    return count * EXAMPLES
