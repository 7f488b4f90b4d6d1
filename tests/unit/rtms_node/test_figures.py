from __future__ import annotations

from rtms_node.figures import describe_streams, find_viewers
from service.cluster_map.answer import MAX_VIDEOS
from tests.unit.rtms_node.conftest import MakeNode
from tests.unit.rtms_node.node_world import Node


async def test_the_busiest_videos_are_told(make_node: MakeNode) -> None:
    node = make_node(linger_s=30)
    for number in range(MAX_VIDEOS + 5):
        node.watch(f"v{number}", address=f"a{number}")
    last = [node.watch("v3", address=f"b{number}") for number in range(4)]
    told = describe_streams(node.hub, node.stats)
    assert (told["viewers"], told["videos"]) == (MAX_VIDEOS + 9, MAX_VIDEOS + 5)
    assert len(told["busiest"]) == MAX_VIDEOS
    assert next(iter(told["busiest"].items())) == ("v3", 5)
    for viewer in last:
        viewer.transport.close()
    assert find_viewers(node.hub, ["v3", "v4", "unknown"]) == {"viewers": {"v3": 1, "v4": 1}}


async def test_a_video_that_lingers_has_no_viewers(make_node: MakeNode) -> None:
    node = make_node(linger_s=30)
    node.watch("v1").transport.close()
    assert describe_streams(node.hub, node.stats)["busiest"] == {}
    assert find_viewers(node.hub, ["v1"]) == {"viewers": {}}


async def test_totals_are_counted_since_the_start(node: Node) -> None:
    viewer = node.watch_loaded()
    node.hub.ingest(node.store.post("v1", 3))
    assert viewer.seqs == [1, 2, 3]
    totals = describe_streams(node.hub, node.stats)["totals"]
    assert totals == {"deliveries": 3, "received": 3}
