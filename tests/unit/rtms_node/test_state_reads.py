"""The state that streams are told at their start, and reads of it that are late."""

from __future__ import annotations

import msgspec

from tests.support import eventually
from tests.unit.rtms_node.node_world import Node, Watcher
from wire.entry import Removed, RemovedBy
from wire.internal import Batch, State

VIDEO = "v1"
OTHER = "otherepoch01"


def pin(node: Node, seq: int) -> Batch:
    """Pin a comment; from then on the store says so."""
    batch = node.store.pin(VIDEO, seq)
    comment = msgspec.Raw(node.store.find_raw(VIDEO, seq))
    node.store.states[VIDEO] = State(pin=seq, pin_seq=batch.first_seq, pinned=comment)
    return batch


def remove(node: Node, seq: int) -> Batch:
    """Remove a pinned comment; from then on the store shows none."""
    batch = node.store.remove(VIDEO, Removed((seq,), RemovedBy.MODERATOR))
    hidden = msgspec.structs.replace(node.store.states[VIDEO], pinned=msgspec.Raw(b"null"))
    node.store.states[VIDEO] = hidden
    return batch


def read(node: Node) -> tuple[str, int, int, State]:
    """What the store answers now to a read of heads."""
    return (
        node.store.epoch,
        node.store.head(VIDEO),
        node.reads.last_ticket,
        node.store.states[VIDEO],
    )


def told(watcher: Watcher) -> list[object]:
    """What is pinned, as the stream said at its start."""
    return [data["pinned"] and data["pinned"]["text"] for _, data in watcher.named("state")]


def clean(watcher: Watcher, text: str) -> bool:
    return text not in bytes(watcher.transport.written).decode()


async def test_a_reply_of_before_a_removal_does_not_bring_a_pinned_text_back(node: Node) -> None:
    """The store has begun anew, so the state is read again; meanwhile the comment is removed."""
    node.watch_loaded()
    node.store.restart(OTHER)
    node.hub.ingest(node.store.post(VIDEO, 3))
    pin(node, 2)
    node.reads.answer_heads()  # another epoch: the ring begins there, the state is to be read
    stale, answer = read(node), node.reads.heads.pop(VIDEO)
    node.hub.ingest(remove(node, 2))
    late = node.watch(replay=0)
    answer(*stale)
    node.reads.answer_heads()
    assert told(late) == told(node.watch(replay=0)) == [None]
    assert clean(late, "text 2")


async def test_nor_does_one_that_was_asked_for_twice(node: Node) -> None:
    """Two viewers came at once, and the second read of the state is late."""
    node.store.post(VIDEO, 3)
    pin(node, 2)
    node.watch()
    first = node.reads.heads.pop(VIDEO)
    node.watch()
    second, stale = node.reads.heads.pop(VIDEO), read(node)
    first(*read(node))
    node.hub.ingest(remove(node, 2))
    second(*stale)
    assert told(node.watch(replay=0)) == [None]


async def test_what_retention_skipped_is_asked_for_again(node: Node) -> None:
    viewer = node.watch_loaded()
    node.hub.ingest(node.store.post(VIDEO, 3))
    pin(node, 2)
    node.hub.check(VIDEO)
    stale, answer = read(node), node.reads.heads[VIDEO]
    node.reads.answer_heads()
    node.store.post(VIDEO, 5)
    remove(node, 2)
    node.store.oldest[VIDEO] = node.store.head(VIDEO) + 1
    await eventually(lambda: node.reads.ranges)
    node.reads.answer_range()
    assert viewer.named("gap")
    late = node.watch(replay=0)
    answer(*stale)
    assert not late.events
    assert not told(viewer)
    node.reads.answer_heads()
    assert told(late) == told(viewer) == [None], "who was there has missed the notice"


async def test_nobody_is_let_in_untold_while_the_rules_are_not_known(node: Node) -> None:
    node.watch_loaded()
    node.store.restart(OTHER)
    node.store.post(VIDEO, 3)
    pin(node, 1)
    node.hub.check(VIDEO)
    node.reads.answer_heads()
    late = node.watch(replay=0)
    assert not late.events
    node.reads.answer_heads()
    assert told(late) == ["text 1"]


async def test_a_pin_that_was_missed_and_removed_takes_the_place_of_the_older_one(
    node: Node,
) -> None:
    """The repair brings a tombstone: that it was a pin cannot be seen."""
    node.store.post(VIDEO, 3)
    pin(node, 1)
    node.watch_loaded()
    pin(node, 2)  # never forwarded
    node.hub.ingest(remove(node, 2))
    await eventually(lambda: node.reads.ranges)
    node.reads.answer_range()
    node.reads.answer_heads()
    assert told(node.watch(replay=0)) == [None]


async def test_who_is_reset_is_told_under_which_rules_the_other_store_is(node: Node) -> None:
    """Once, and by no read that began before."""
    viewer = node.watch_loaded()
    gone = node.watch(replay=0)
    node.store.restart(OTHER)
    node.store.post(VIDEO, 3)
    pin(node, 2)
    node.hub.check(VIDEO)
    node.reads.answer_heads()
    gone.transport.close()
    assert told(viewer) == []
    node.reads.answer_heads()
    assert told(viewer) == ["text 2"]
    node.hub.check(VIDEO)
    node.reads.answer_heads()
    assert told(viewer) == ["text 2"]
    assert [name for name, _, _ in gone.events][-1] != "state"


async def test_nothing_is_told_again_of_a_video_without_rules(node: Node) -> None:
    viewer = node.watch_loaded()
    node.store.restart(OTHER)
    node.hub.check(VIDEO)
    for _ in range(3):
        node.reads.answer_heads()
    assert [name for name, _, _ in viewer.events] == ["hello", "reset"]
