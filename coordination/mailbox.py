"""Where other threads leave calls for the event loop. Only `session.py` makes one.

Invariants: calls are carried out in the order in which they were posted, one slice per turn of the
loop, and the loop is woken once for many of them: ten thousand watch events at once are no storm.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import structlog

log = structlog.get_logger()

SLICE = 500


class Mailbox:
    """`wake` runs a call on the loop from any thread, `again` from the loop itself. Its length is
    bounded by what the session has in flight and by the number of watches.
    """

    def __init__(self, wake: Callable[..., Any], again: Callable[..., Any]) -> None:
        self._wake = wake
        self._again = again
        self._lock = threading.Lock()
        self._calls: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._woken = False

    def post(self, call: Callable[..., None], *args: Any) -> None:
        """Have `call(*args)` made on the loop. Never blocks; dropped once the loop is closed."""
        with self._lock:
            self._calls.append((call, args))
            wake, self._woken = not self._woken, True
        if wake:
            try:
                self._wake(self._carry_out)
            except RuntimeError:
                self._calls.clear()

    def _carry_out(self) -> None:
        for _ in range(SLICE):
            with self._lock:
                if not self._calls:
                    self._woken = False
                    return
                call, args = self._calls.popleft()
            try:
                call(*args)
            except Exception:
                log.exception("zookeeper_callback_failed")
        self._again(self._carry_out)
