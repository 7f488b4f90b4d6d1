"""Who waits for the reply to a request, so that nobody works for callers who have gone.

A caller whose connection has ended has gone. One that has only ended its side of it may still wait
for the reply, and looks the same as one that has closed: it is answered if that can be done at
once, and counts as gone if its request has to wait in a queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


class Caller:
    """Of one request, which the current task handles and which may be given up."""

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = asyncio.current_task()
        self._ended_its_side = False
        self._queued = False

    def gone(self) -> None:
        """Give up the request, whatever it does."""
        if self._task is not None:
            self._task.cancel()

    def ended_its_side(self) -> None:
        """Give up the request if it waits in a queue, now or later."""
        self._ended_its_side = True
        if self._queued:
            self.gone()

    @contextmanager
    def queued(self) -> Iterator[None]:
        """The request waits in a queue."""
        self._queued = True
        if self._ended_its_side:
            self.gone()
        try:
            yield
        finally:
            self._queued = False


caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


@contextmanager
def in_queue() -> Iterator[None]:
    """To be held while the current request waits for its turn."""
    current = caller.get()
    if current is None:
        yield
        return
    with current.queued():
        yield
