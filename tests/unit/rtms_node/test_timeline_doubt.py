"""Comments that were forwarded and are not stored: of a store that went back, or forged."""

from __future__ import annotations

from typing import Any

from rtms_node.testing import MemorySource
from tests.support import eventually
from tests.unit.rtms_node.node_world import Node, Watcher
from wire.internal import Batch

E = MemorySource().epoch


def texts(viewer: Watcher) -> list[str]:
    return [data["text"] for _, data in viewer.named("comment")]


def go_back(store: MemorySource, head: int) -> None:
    """An older copy, under the same epoch."""
    store.restart(E)
    if head:
        store.post("v1", head)


def forged(seq: int) -> Batch:
    other = MemorySource()
    other.post("v1", seq, text="forged")
    return other.batch("v1", seq, seq)


async def hold_the_fifth(node: Node) -> Any:
    """A viewer that has 1 to 3; the fourth was lost."""
    viewer = node.watch_loaded()
    node.hub.ingest(node.store.post("v1", 3))
    node.store.post("v1")
    node.hub.ingest(node.store.post("v1"))
    return viewer


async def test_a_store_that_went_back_takes_along_what_was_held(node: Node) -> None:
    viewer = await hold_the_fifth(node)
    go_back(node.store, 2)
    for _ in range(2):
        node.hub.check("v1")
        node.reads.answer_heads()
    assert len(viewer.named("reset")) == 1
    node.reads.answer_range()
    node.hub.ingest(node.store.post("v1", 2, text="new"))
    node.hub.ingest(node.store.post("v1", text="new"))
    await eventually(lambda: "5" in texts(viewer)[-1])
    assert texts(viewer)[3:] == ["text 1", "text 2", "new 3", "new 4", "new 5"]


async def test_what_was_held_and_is_not_found_in_the_store_is_forgotten(node: Node) -> None:
    """The store went back to just what the viewers have."""
    viewer = await hold_the_fifth(node)
    go_back(node.store, 3)
    await eventually(lambda: node.reads.ranges)
    node.reads.answer_range()
    for _ in range(2):
        node.hub.ingest(node.store.post("v1", text="new"))
    await eventually(lambda: len(texts(viewer)) == 5)
    assert texts(viewer) == ["text 1", "text 2", "text 3", "new 4", "new 5"]
    assert node.reads.ranges == []


async def test_what_comes_while_the_store_is_read_stays(node: Node) -> None:
    viewer = await hold_the_fifth(node)
    await eventually(lambda: node.reads.ranges)
    _, after, through, on_range = node.reads.ranges.pop()
    reply = node.store.read_range("v1", after, through)
    batch = node.store.post("v1")
    node.hub.ingest(node.store.post("v1"))
    on_range(reply)
    node.hub.ingest(batch)
    await eventually(lambda: viewer.seqs == list(range(1, 8)))


async def test_a_comment_beyond_the_store_is_taken_back_after_two_reads(node: Node) -> None:
    viewer = node.watch_loaded()
    node.hub.ingest(forged(1))
    for _ in range(2):
        node.hub.check("v1")
        node.reads.answer_heads()
    assert [name for name, _, _ in viewer.events] == ["hello", "comment", "reset"]


async def test_a_comment_in_place_of_a_stored_one_is_taken_back_when_that_comes(node: Node) -> None:
    viewer = node.watch_loaded()
    node.hub.ingest(forged(1))
    node.hub.ingest(node.store.post("v1"))
    while node.reads.ranges:
        node.reads.answer_range()
    await eventually(lambda: len(texts(viewer)) == 2)
    assert texts(viewer) == ["forged 1", "text 1"]
    assert viewer.named("reset") == [(f"{E}-0", {"reason": "epoch"})]
    assert node.stats.contradictions == 1


async def test_a_second_content_is_believed_by_nobody_if_the_store_has_the_first(
    node: Node,
) -> None:
    viewer = node.watch_loaded()
    node.hub.ingest(node.store.post("v1", 2))
    for seq in (1, 2, 2):
        node.hub.ingest(forged(seq))
    assert node.reads.answer_range() == (0, 1)
    assert node.reads.ranges == []
    assert texts(viewer) == ["text 1", "text 2"]
    assert viewer.named("reset") == []
