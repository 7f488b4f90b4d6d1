"""Draining a node: viewers are sent to other nodes a few at a time, so that those see an even
stream of joins.
"""

from __future__ import annotations

import asyncio

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
    total, sent = len(hub.viewers), 0
    for step in range(1, steps + 1):
        due = round(total * step / steps)
        hub.drain_some(due - sent)
        sent = due
        if not hub.viewers:
            return
        await asyncio.sleep(_STEP_S)
