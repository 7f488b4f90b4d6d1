from __future__ import annotations

import asyncio

import pytest

from rtms_node import drain
from tests.support import eventually
from tests.unit.rtms_node.node_world import Node


async def test_few_viewers_are_spread_over_the_whole_window(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen step by step: four viewers in twenty steps leave one in five."""
    monkeypatch.setattr(drain, "_STEP_S", 0.01)
    viewers = [node.watch_loaded() for _ in range(4)]
    left: list[int] = []
    drain_some = node.hub.drain_some

    def noted(count: int) -> None:
        drain_some(count)
        left.append(node.hub.staying)

    monkeypatch.setattr(node.hub, "drain_some", noted)
    await drain.drain_viewers(node.hub, 0.0, 0.2)
    assert left == [4, 4, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 0][: len(left)]
    assert left[-1] == 0
    assert all(viewer.transport.closed for viewer in viewers)


async def test_viewers_who_leave_by_themselves_do_not_shorten_the_window_of_the_others(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of them are gone after a quarter of the steps: the others go at the pace they had."""
    monkeypatch.setattr(drain, "_STEP_S", 0.001)
    viewers = [node.watch_loaded() for _ in range(80)]
    told: list[int] = []
    drain_some = node.hub.drain_some

    def noted(count: int) -> None:
        told.append(count)
        drain_some(count)
        if len(told) == 5:
            staying = [each.viewer for each in viewers if not each.viewer.closing]
            for viewer in staying[:30]:
                asyncio.get_running_loop().call_soon(viewer.connection_lost, None)

    monkeypatch.setattr(node.hub, "drain_some", noted)
    await drain.drain_viewers(node.hub, 0.0, 0.02)
    assert told == [4] * 5 + [2] * 15


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
