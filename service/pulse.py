"""One timer for everything in a process that has to look at the clock now and then.

Each timer of its own would wake the process at a time of its own, and waking up is most of what an
idle process costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PULSE_S = 0.5
Tick = Callable[[float], None]


class Pulse:
    """Calls each member every PULSE_S with the loop's time. Members do not raise. There is no
    timer while there is no member.
    """

    def __init__(self) -> None:
        self._members: set[Tick] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, tick: Tick) -> None:
        """Call `tick` from now on."""
        self._members.add(tick)
        if self._timer is None:
            self._start()

    def discard(self, tick: Tick) -> None:
        """Call it no more. Idempotent."""
        self._members.discard(tick)

    def _start(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(PULSE_S, self._beat)

    def _beat(self) -> None:
        now = asyncio.get_running_loop().time()
        for tick in list(self._members):
            tick(now)
        self._timer = None
        if self._members:
            self._start()
