from __future__ import annotations

import pytest

from rtms_node.testing import MemorySource
from tests.support import eventually
from tests.unit.rtms_node.conftest import MakeNode
from tests.unit.rtms_node.node_world import Node

E = MemorySource().epoch


async def test_the_feed_is_subscribed_to_until_the_linger_after_the_last_viewer(
    node: Node,
) -> None:
    first, second = node.watch(), node.watch()
    assert node.feed.calls == [("subscribe", "v1")]
    first.transport.close()
    second.transport.close()
    assert node.feed.calls == [("subscribe", "v1")]
    await eventually(lambda: node.feed.calls == [("subscribe", "v1"), ("unsubscribe", "v1")])
    assert not node.hub.ingest(node.store.post("v1"))


async def test_a_viewer_within_the_linger_keeps_the_room(make_node: MakeNode) -> None:
    node = make_node(linger_s=30)
    node.watch_loaded().transport.close()
    viewer = node.watch()
    assert viewer.events[0][0] == "hello"
    assert node.feed.calls == [("subscribe", "v1")]


async def test_comments_of_a_video_without_viewers_are_not_served(node: Node) -> None:
    assert not node.hub.ingest(node.store.post("v9"))


async def test_a_stalled_viewer_is_skipped_and_others_keep_receiving(node: Node) -> None:
    stalled, live = node.watch_loaded(), node.watch_loaded()
    stalled.transport.fill()
    node.hub.ingest(node.store.post("v1", 3))
    await eventually(lambda: live.seqs == [1, 2, 3])
    assert stalled.seqs == []
    stalled.transport.drain()
    assert stalled.seqs == [1, 2, 3]


async def test_a_viewer_that_stalls_again_continues_where_it_was(make_node: MakeNode) -> None:
    node = make_node(max_write_bytes=300)
    viewer = node.watch_loaded()
    viewer.transport.full_after = 2
    node.hub.ingest(node.store.post("v1", 10))
    assert 0 < len(viewer.seqs) < 10
    viewer.transport.drain()
    assert viewer.seqs == list(range(1, 11))


async def test_too_many_streams_of_one_address_are_shed(make_node: MakeNode) -> None:
    node = make_node(max_streams_per_address=2)
    kept = [node.watch_loaded(address="a"), node.watch_loaded(address="a")]
    shed, other = node.watch(address="a"), node.watch(address="b")
    assert shed.events == [("bye", None, {"reason": "shed"})]
    await eventually(lambda: shed.transport.closed)
    assert other.events[0][0] == "hello"
    kept[0].transport.close()
    assert node.watch(address="a").events[0][0] == "hello"


async def test_too_many_videos_are_shed(make_node: MakeNode) -> None:
    node = make_node(max_videos=1)
    node.watch("v1")
    assert node.watch("v2").events == [("bye", None, {"reason": "shed"})]
    assert node.feed.calls == [("subscribe", "v1")]


@pytest.mark.parametrize(
    ("cursor", "event_id"), [("testepoch001-7", "testepoch001-7"), ("junk", None), (None, None)]
)
async def test_a_bye_before_the_hello_says_the_cursor_that_the_viewer_came_with(
    node: Node, cursor: str | None, event_id: str | None
) -> None:
    node.hub.draining = True
    watcher = node.watch(cursor=cursor)
    assert watcher.named("bye") == [(event_id, {"reason": "drain"})]


async def test_draining_says_bye_with_a_short_retry_and_leaves_with_the_last_viewer(
    node: Node,
) -> None:
    viewers = [node.watch_loaded() for _ in range(4)]
    node.hub.draining = True
    node.hub.drain_some(3)
    await eventually(lambda: sum(viewer.transport.closed for viewer in viewers) == 3)
    assert node.feed.calls == [("subscribe", "v1")]
    node.hub.drain_some(3)
    await eventually(lambda: node.feed.calls == [("subscribe", "v1"), ("unsubscribe", "v1")])
    assert viewers[0].named("bye") == [(None, {"reason": "drain"})]
    assert node.watch().events == [("bye", None, {"reason": "drain"})]


async def test_bytes_after_the_request_end_the_stream(node: Node) -> None:
    viewer = node.watch_loaded()
    viewer.viewer.data_received(b"GET / HTTP/1.1\r\n")
    assert viewer.transport.aborted
    assert not node.hub.viewers
