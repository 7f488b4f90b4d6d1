"""Draining a node: viewers are sent to other nodes a few at a time, so that the others see an even
flow of joins.
"""

from __future__ import annotations

import asyncio

from rtms_node.hub import Hub

_STEP_S = 0.1
_GONE_WITHIN_S = 1.0  # several times what a viewer is given to read its `bye`


class Pace:
    """Who is sent away at which step. Steps go by the clock, not by their number: one that comes
    late is not made up for at once, but the window ends when it should.
    """

    def __init__(self, hub: Hub, ends_at: float) -> None:
        self._hub, self._ends_at = hub, ends_at
        self._staying = hub.staying
        self._due = float(self._staying)  # how many should still be here, if they came in fractions

    def step(self, now: float) -> None:
        """Say `bye` to some, at the end of the window to all."""
        hub, left = self._hub, max(round((self._ends_at - now) / _STEP_S), 1)
        # Viewers who leave by themselves do not make the drain faster: those who stay are spread
        # over the rest of the window.
        if self._staying:
            self._due *= hub.staying / self._staying * (left - 1) / left
        hub.drain_some(max(hub.staying - round(self._due), 0))
        self._staying = hub.staying


async def drain_viewers(hub: Hub, notice_s: float, window_s: float) -> None:
    """Wait `notice_s` for the gateway to see that this node is not ready, then say `bye` to all
    viewers, evenly over `window_s`; returns when they are gone. During the notice new streams are
    still served, as the gateway may still send some.
    """
    await asyncio.sleep(notice_s)
    hub.draining = True
    loop = asyncio.get_running_loop()
    pace = Pace(hub, loop.time() + window_s)
    pace.step(loop.time())
    while hub.staying:
        await asyncio.sleep(_STEP_S)
        pace.step(loop.time())
    await hub.wait_empty(_GONE_WITHIN_S)
