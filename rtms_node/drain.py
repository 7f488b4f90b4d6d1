"""Draining a node: viewers are sent to other nodes a few at a time, so that those see an even
stream of joins.
"""

from __future__ import annotations

import asyncio
import math

from rtms_node.hub import Hub

_STEP_S = 0.1


async def drain_viewers(hub: Hub, notice_s: float, window_s: float) -> None:
    """Wait `notice_s` for the gateway to see that this node is not ready, then say `bye` to all
    viewers, evenly over `window_s`. New streams are still served during the notice: the gateway may
    send some.
    """
    await asyncio.sleep(notice_s)
    hub.draining = True
    steps = max(round(window_s / _STEP_S), 1)
    for step in range(steps):
        left = sum(not viewer.closing for viewer in hub.viewers)
        if not left:
            return
        hub.drain_some(math.ceil(left / (steps - step)))
        await asyncio.sleep(_STEP_S)
