from __future__ import annotations

import asyncio

from rtms_node.testing import MemorySource
from tests.support import eventually
from tests.unit.rtms_node.conftest import MakeNode

E = MemorySource().epoch


async def test_a_slow_viewer_is_told_and_then_reset(make_node: MakeNode) -> None:
    node = make_node(slow_after_s=0.0, abort_after_s=0.001)
    viewer = node.watch_loaded()
    viewer.transport.fill()
    viewer.transport.unsent = True
    node.upkeep.sweep()
    assert viewer.events[-1] == ("bye", None, {"reason": "slow"})
    await eventually(lambda: viewer.transport.aborted)
    assert node.hub.paused_viewers == 0
    assert viewer.viewer not in node.hub.viewers


async def test_heartbeats_go_to_idle_rooms_only(make_node: MakeNode) -> None:
    node = make_node(heartbeat_s=0.0)
    viewer, waiting = node.watch_loaded(), node.watch("v2")
    node.upkeep.heartbeat()
    assert viewer.transport.written.endswith(b"\n\n: hb\n")
    assert waiting.transport.written == b": hb\n"
    busy = make_node(heartbeat_s=60.0)
    idle_viewer = busy.watch_loaded()
    busy.upkeep.heartbeat()
    assert b": hb" not in idle_viewer.transport.written


async def test_heartbeats_of_many_rooms_let_others_run_between(make_node: MakeNode) -> None:
    node = make_node(heartbeat_s=0.0, slice_size=2)
    viewers = [node.watch(f"v{number}") for number in range(5)]

    def beaten() -> int:
        return sum(viewer.transport.written == b": hb\n" for viewer in viewers)

    node.upkeep.heartbeat()
    counts = [beaten()]
    while counts[-1] < len(viewers):
        await asyncio.sleep(0)
        counts.append(beaten())
    assert counts == [2, 4, 5]


async def test_a_sweep_over_many_rooms_reaches_all_and_then_keeps_the_budget(
    make_node: MakeNode,
) -> None:
    node = make_node(hello_wait_s=0.0, slice_size=2, frame_budget_bytes=0)
    loaded = node.watch_loaded("loaded")
    node.hub.ingest(node.store.post("loaded", 10))
    waiting = [node.watch(f"v{number}") for number in range(5)]
    node.upkeep.sweep()
    assert sum(len(viewer.events) for viewer in waiting) < len(waiting)
    assert node.hub.frame_bytes > 0
    await eventually(lambda: node.hub.frame_bytes == 0)
    assert all(viewer.named("bye") for viewer in waiting)
    assert not loaded.named("bye")


async def test_the_byte_budget_drops_the_least_active_rings_first(make_node: MakeNode) -> None:
    node = make_node(frame_budget_bytes=3000)
    node.watch_loaded("old")
    node.watch_loaded("new")
    node.hub.ingest(node.store.post("old", 10))
    node.hub.ingest(node.store.post("new", 10))
    node.hub.rooms["new"].active_at += 1
    node.upkeep.sweep()
    assert node.hub.rooms["old"].frame_bytes == 0
    assert node.hub.rooms["new"].frame_bytes > 0
    late = node.watch("old", cursor=f"{E}-4")
    node.reads.answer_range()
    assert late.seqs == list(range(5, 11))
