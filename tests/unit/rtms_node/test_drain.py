from __future__ import annotations

import asyncio
import time

import pytest

from rtms_node import drain
from tests.support import eventually
from tests.unit.rtms_node.node_world import Node


async def test_few_viewers_are_spread_over_the_whole_window(node: Node) -> None:
    """Seen step by step: four viewers in twenty steps leave one in five."""
    viewers = [node.watch_loaded() for _ in range(4)]
    pace, left = drain.Pace(node.hub, 2.0), list[int]()
    for step in range(20):
        pace.step(step * 0.1)
        left.append(node.hub.staying)
    assert left == [4, 4, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 0, 0, 0]
    await eventually(lambda: all(viewer.transport.closed for viewer in viewers))


async def test_viewers_who_leave_by_themselves_do_not_shorten_the_window_of_the_others(
    node: Node,
) -> None:
    """Half of them are gone after a quarter of the steps: the others go at the pace they had."""
    viewers = [node.watch_loaded() for _ in range(80)]
    pace, left = drain.Pace(node.hub, 2.0), list[int]()
    for step in range(20):
        if step == 5:
            staying = [each.viewer for each in viewers if not each.viewer.closing]
            for viewer in staying[:30]:
                viewer.connection_lost(None)
        pace.step(step * 0.1)
        left.append(node.hub.staying)
    assert left == [*range(76, 59, -4), *range(28, -1, -2)]


async def test_steps_that_come_late_neither_lengthen_the_window_nor_end_in_a_burst(
    node: Node,
) -> None:
    """The process stands still for half of the window: who is left goes evenly in the rest."""
    for _ in range(80):
        node.watch_loaded()
    pace, left = drain.Pace(node.hub, 2.0), list[int]()
    for step in [*range(5), *range(15, 20)]:
        pace.step(step * 0.1)
        left.append(node.hub.staying)
    assert left == [76, 72, 68, 64, 60, 48, 36, 24, 12, 0]


async def test_a_drain_goes_by_the_clock(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step takes as long as four: there is time for three at most."""
    monkeypatch.setattr(drain, "_STEP_S", 0.02)
    for _ in range(80):
        node.watch_loaded()
    steps, drain_some = list[int](), node.hub.drain_some

    def slowly(count: int) -> None:
        steps.append(count)
        time.sleep(4 * drain._STEP_S)
        drain_some(count)

    monkeypatch.setattr(node.hub, "drain_some", slowly)
    await drain.drain_viewers(node.hub, 0.0, 10 * drain._STEP_S)
    assert sum(steps) == 80
    assert len(steps) <= 3


async def test_streams_are_served_until_the_gateway_has_noticed(node: Node) -> None:
    node.watch_loaded()
    draining = asyncio.create_task(drain.drain_viewers(node.hub, 0.05, 0.0))
    await asyncio.sleep(0)
    late = node.watch()
    assert late.events[0][0] == "hello"
    await draining
    await eventually(lambda: not node.hub.viewers)


async def test_a_node_without_viewers_is_drained_at_once(node: Node) -> None:
    await asyncio.wait_for(drain.drain_viewers(node.hub, 0.0, 60.0), 5)
    assert node.hub.draining
