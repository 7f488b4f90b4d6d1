"""Draining a node: viewers are sent to other nodes a few at a time, so that the others see an even
flow of joins.
"""

from __future__ import annotations

import asyncio

from rtms_node.hub import Hub

_STEP_S = 0.1
_GONE_WITHIN_S = 1.0  # several times what a viewer is given to read its `bye`


async def drain_viewers(hub: Hub, notice_s: float, window_s: float) -> None:
    """Wait `notice_s` for the gateway to see that this node is not ready, then say `bye` to all
    viewers, evenly over `window_s`; returns when they are gone. During the notice new streams are
    still served, as the gateway may still send some.
    """
    await asyncio.sleep(notice_s)
    hub.draining = True
    steps = max(round(window_s / _STEP_S), 1)
    staying = hub.staying
    due = float(staying)  # how many should still be here, if viewers came in fractions
    for left in range(steps, 0, -1):
        # Viewers who leave by themselves do not make the drain faster: those who stay are spread
        # over the rest of the window.
        due *= hub.staying / staying * (left - 1) / left if staying else 0.0
        hub.drain_some(max(hub.staying - round(due), 0))
        staying = hub.staying
        if not staying:
            break
        await asyncio.sleep(_STEP_S)
    await hub.wait_empty(_GONE_WITHIN_S)
