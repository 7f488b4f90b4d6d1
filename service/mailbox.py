"""Where other threads leave calls for the event loop: the only file of ours that wakes it.

kazoo and the Cassandra driver call back on threads of their own, and SQLite's work runs on threads
of ours. Each of them has a mailbox, and everything else lives on the loop alone.

Invariants: calls are made in the order in which they were posted, at most SLICE in one turn of the
loop, and the loop is woken once for many of them: ten thousand watch events at once neither flood
it with wake-ups nor keep it from its other work. A call that fails does not stop the others.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import structlog

log = structlog.get_logger()

SLICE = 500


class Loop(Protocol):
    """What a mailbox needs of an event loop."""

    def call_soon(self, callback: Callable[[], None], /) -> Any:
        """As in asyncio."""

    def call_soon_threadsafe(self, callback: Callable[[], None], /) -> Any:
        """As in asyncio; raises RuntimeError once the loop is closed."""

    def is_closed(self) -> bool:
        """As in asyncio."""


class Mailbox:
    """For one event loop; `post` may be called on any thread.

    It has no bound of its own: its owner bounds what can be posted (requests in flight, watches,
    one call for each turn of a thread).
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._calls: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._woken = False

    def post(self, call: Callable[..., None], *args: Any) -> bool:
        """Have `call(*args)` made on the loop. Never blocks. False if the loop is closed: then it
        is dropped, with all that was still waiting.
        """
        with self._lock:
            self._calls.append((call, args))
            wake, self._woken = not self._woken, True
        if self._loop.is_closed():
            self._calls.clear()
            return False
        if wake:
            try:
                self._loop.call_soon_threadsafe(self._make_calls)
            except RuntimeError:  # it was closed just now
                self._calls.clear()
                return False
        return True

    def _make_calls(self) -> None:
        for _ in range(SLICE):
            with self._lock:
                if not self._calls:
                    self._woken = False
                    return
                call, args = self._calls.popleft()
            try:
                call(*args)
            except Exception:
                log.exception("callback_failed")
        self._loop.call_soon(self._make_calls)
