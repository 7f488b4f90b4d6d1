"""A notice in the log, and what it does to the ring and to ranges that are still on their way."""

from __future__ import annotations

import json

import msgspec

from tests.support import eventually
from tests.unit.rtms_node.node_world import Node, Watcher
from wire.entry import Removed, RemovedBy
from wire.internal import Batch

VIDEO = "v1"


def remove(node: Node, *seqs: int) -> Batch:
    return node.store.remove(VIDEO, Removed(seqs, RemovedBy.MODERATOR))


def names(watcher: Watcher) -> list[str]:
    """The events after `hello`."""
    return [event for event, _, _ in watcher.events][1:]


async def test_a_notice_is_sent_once_and_its_comment_is_a_tombstone_from_then_on(
    node: Node,
) -> None:
    early = node.watch_loaded()
    node.hub.ingest(node.store.post(VIDEO, 3))
    node.hub.ingest(remove(node, 2))
    await eventually(lambda: names(early) == ["comment", "comment", "comment", "removed"])
    late = node.watch()
    assert names(late) == ["comment", "tombstone", "comment", "removed"]
    assert "text 2" not in bytes(late.transport.written).decode()
    ((event_id, data),) = late.named("tombstone")
    assert event_id == f"{node.store.epoch}-2"
    assert data == json.loads(node.store.find_raw(VIDEO, 2))
    assert node.stats.redacted == 1


async def test_a_restored_comment_is_shown_again_under_its_number(node: Node) -> None:
    early = node.watch_loaded()
    node.hub.ingest(node.store.post(VIDEO, 2))
    node.hub.ingest(remove(node, 1))
    node.hub.ingest(node.store.restore(VIDEO, 1))
    await eventually(lambda: early.named("restored"))
    ((_, data),) = early.named("restored")
    assert data["comment"]["text"] == "text 1"
    assert names(node.watch()) == ["comment", "comment", "removed", "restored"]
    node.hub.ingest(remove(node, 1))
    late = node.watch()
    assert names(late) == ["tombstone", "comment", "removed", "tombstone", "removed"]
    assert "text 1" not in bytes(late.transport.written).decode()


async def test_what_was_shown_again_before_the_ring_began_is_hidden_too(node: Node) -> None:
    node.hub.ingest(node.store.post(VIDEO, 3))
    remove(node, 2)
    node.store.restore(VIDEO, 2)
    node.watch_loaded(replay=20)
    node.hub.ingest(remove(node, 2))
    late = node.watch()
    assert names(late) == ["comment", "tombstone", "comment", "removed", "tombstone", "removed"]


async def test_a_forward_that_comes_again_does_not_bring_the_text_back(node: Node) -> None:
    early = node.watch_loaded()
    posted = node.store.post(VIDEO, 3)
    node.hub.ingest(posted)
    node.hub.ingest(remove(node, 2))
    node.hub.ingest(posted)
    assert names(node.watch()) == ["comment", "tombstone", "comment", "removed"]
    assert node.stats.contradictions == 0
    assert "reset" not in names(early)


async def test_a_store_that_is_ahead_of_the_notice_contradicts_nothing(node: Node) -> None:
    viewer = node.watch_loaded()
    node.hub.ingest(node.store.post(VIDEO, 3))
    notice = remove(node, 2)
    node.hub.ingest(node.store.batch(VIDEO, 1, 3))  # as a writer reads it now
    assert node.stats.contradictions == 0
    assert not node.reads.ranges
    node.hub.ingest(notice)
    await eventually(lambda: names(viewer) == ["comment", "comment", "comment", "removed"])


async def test_a_notice_that_is_held_is_applied_when_its_turn_comes(node: Node) -> None:
    viewer = node.watch_loaded()
    first, second = node.store.post(VIDEO, 2), node.store.post(VIDEO, 2)
    notice = remove(node, 1, 3)
    node.hub.ingest(first)
    node.hub.ingest(notice)
    node.hub.ingest(second)
    # Three had not been sent when the notice was applied: nobody gets its text any more.
    await eventually(lambda: len(names(viewer)) == 5)
    assert names(viewer) == ["comment", "comment", "tombstone", "comment", "removed"]


async def test_a_range_read_before_a_removal_and_received_after_it_is_asked_again(
    node: Node,
) -> None:
    node.store.post(VIDEO, 8)
    watching = node.watch_loaded(replay=0)
    node.hub.ingest(node.store.post(VIDEO, 1))
    behind = node.watch(cursor=f"{node.store.epoch}-3")
    ((video_id, after, through, on_range),) = node.reads.ranges
    stale = node.store.read_range(video_id, after, through)
    node.reads.ranges.clear()
    node.hub.ingest(remove(node, 5))
    on_range(stale)
    assert names(behind) == []
    await eventually(lambda: node.reads.ranges)
    node.reads.answer_range()
    assert names(behind) == ["comment", "tombstone", *["comment"] * 4, "removed"]
    assert names(watching) == ["comment", "removed"]


async def test_a_notice_that_cannot_be_applied_costs_the_ring_not_the_text(node: Node) -> None:
    node.watch_loaded()
    node.hub.ingest(node.store.post(VIDEO, 2))
    epoch = node.store.epoch
    broken = f'{{"id":"{epoch}-3","type":"restored","comment":{{"seq":"x"}}}}'
    node.hub.ingest(Batch(VIDEO, epoch, 3, (msgspec.Raw(broken.encode()),)))
    assert node.hub.frame_bytes == 0


async def test_an_entry_of_a_later_version_is_passed_on_under_its_name(node: Node) -> None:
    viewer = node.watch_loaded()
    epoch = node.store.epoch
    raw = f'{{"id":"{epoch}-1","type":"of_tomorrow","seq":1}}'
    node.hub.ingest(Batch(VIDEO, epoch, 1, (msgspec.Raw(raw.encode()),)))
    assert viewer.named("of_tomorrow") == [(f"{epoch}-1", json.loads(raw))]


async def test_a_removal_takes_the_text_out_of_pins_too(node: Node) -> None:
    early = node.watch_loaded()
    node.hub.ingest(node.store.post(VIDEO, 2))
    for seq in (1, 2, 1, None):
        node.hub.ingest(node.store.pin(VIDEO, seq))
    node.hub.ingest(remove(node, 1))
    await eventually(lambda: early.named("removed"))
    late = node.watch()
    wanted = ["tombstone", "comment", "tombstone", "pinned", "tombstone", "pinned", "removed"]
    assert names(late) == ["state", *wanted]
    assert "text 1" not in bytes(late.transport.written).decode()
