"""Whether the process still gets file descriptors.

The event loop says nothing when there are none: libuv closes what it cannot accept, so that clients
go elsewhere at once, and open connections live on. And nobody can scrape a process that takes no
connection. So each process checks for itself; the counter tells it afterwards.
"""

from __future__ import annotations

import asyncio
import socket

from service.health import Health

_CHECK_EVERY_S = 1.0


class Descriptors:
    """shortages: how many of its checks, one a second, found none free. Marks `health`."""

    def __init__(self, health: Health) -> None:
        self.shortages = 0
        self._health = health

    async def watch(self) -> None:
        """Check again and again; never returns."""
        while True:
            self.check()
            await asyncio.sleep(_CHECK_EVERY_S)

    def check(self) -> None:
        """Open one, and close it again."""
        try:
            socket.socket().close()
            problem = None
        except OSError as exc:
            self.shortages += 1
            problem = f"none is free: {exc}"
        self._health.mark("descriptors", problem)
