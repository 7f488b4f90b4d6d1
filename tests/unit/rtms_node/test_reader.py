from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from rtms_node.reader import StoreReader
from rtms_node.testing import MemorySource
from service.tasks import TaskHome
from tests.support import eventually
from wire.internal import HeadsReply, RangeReply


class Held:
    """A read that has been sent and goes on when the test says so."""

    def __init__(self) -> None:
        self.asked, self.release = asyncio.Event(), asyncio.Event()


class Reading:
    """A reader on a memory store and everything that it answered."""

    def __init__(self) -> None:
        self.store = MemorySource()
        self.tasks = TaskHome()
        self.reachable: list[bool] = []
        self.reader = StoreReader(self.store, self.tasks, self.reachable.append, retry_s=0.001)
        self.heads: list[tuple[str, int, int]] = []
        self.ranges: list[RangeReply | None] = []
        self.reader.start()

    def on_head(self, epoch: str, head: int, ticket: int) -> None:
        self.heads.append((epoch, head, ticket))

    def hold_heads(self) -> Held:
        """From now on reads of heads wait before they reach the store."""
        held, heads = Held(), self.store.heads

        async def held_heads(
            video_ids: tuple[str, ...], known: dict[str, int], states: tuple[str, ...] = ()
        ) -> HeadsReply:
            held.asked.set()
            await held.release.wait()
            return await heads(video_ids, known, states)

        self.store.heads = held_heads  # type: ignore[method-assign]
        return held


@pytest.fixture
async def reading() -> AsyncIterator[Reading]:
    reading = Reading()
    yield reading
    await reading.tasks.aclose()


async def test_heads_asked_for_together_are_read_together(reading: Reading) -> None:
    reading.store.post("v1", 3)
    tickets = [reading.reader.want_head(video_id, reading.on_head, 0) for video_id in ("v1", "v2")]
    await eventually(lambda: len(reading.heads) == 2)
    assert reading.store.reads == [("heads", ("v1", "v2"))]
    assert reading.heads == [
        (reading.store.epoch, 3, tickets[1]),
        (reading.store.epoch, 0, tickets[1]),
    ]


async def test_the_highest_number_seen_goes_along_until_the_read_succeeds(
    reading: Reading,
) -> None:
    reading.store.away = True
    for seen in (3, 7, 0):
        reading.reader.want_head("v1", reading.on_head, seen)
    reading.reader.want_head("v2", reading.on_head, 0)
    await eventually(lambda: reading.store.known == {"v1": 7})
    reading.reader.want_head("v1", reading.on_head, 5)
    reading.store.away = False
    await eventually(lambda: len(reading.heads) == 2)
    assert reading.store.known == {"v1": 7}
    reading.reader.want_head("v1", reading.on_head, 0)
    await eventually(lambda: len(reading.heads) == 3)
    assert reading.store.known == {}


async def test_a_head_is_asked_for_until_it_succeeds(reading: Reading) -> None:
    reading.store.away = True
    reading.reader.want_head("v1", reading.on_head, 0)
    await eventually(lambda: len(reading.store.reads) >= 3)
    assert reading.heads == []
    assert reading.reachable == [False]
    reading.store.away = False
    await eventually(lambda: reading.heads)
    assert reading.reachable == [False, True]


async def test_a_forgotten_video_is_not_asked_for_again(reading: Reading) -> None:
    reading.store.away = True
    reading.reader.want_head("v1", reading.on_head, 0)
    await eventually(lambda: reading.store.reads)
    reading.reader.forget("v1")
    reading.reader.want_head("v2", reading.on_head, 0)
    await eventually(lambda: ("heads", ("v2",)) in reading.store.reads)


async def test_a_read_that_fails_does_not_bring_a_forgotten_video_back(reading: Reading) -> None:
    fails = reading.hold_heads()
    reading.reader.want_head("v1", reading.on_head, 0)
    await fails.asked.wait()
    reading.reader.forget("v1")
    reading.reader.want_head("v2", reading.on_head, 0)
    reading.store.away = True
    fails.release.set()
    await eventually(lambda: reading.store.reads)
    reading.store.away = False
    await eventually(lambda: reading.heads)
    assert all("v1" not in videos for _, videos in reading.store.reads[1:])


async def test_a_read_that_fails_leaves_the_place_of_a_room_that_opened_meanwhile(
    reading: Reading,
) -> None:
    fails, old_room = reading.hold_heads(), []
    reading.reader.want_head("v1", lambda *answer: old_room.append(answer), 9)
    await fails.asked.wait()
    reading.reader.forget("v1")
    ticket = reading.reader.want_head("v1", reading.on_head, 0)
    reading.store.away = True
    fails.release.set()
    await eventually(lambda: reading.store.reads)
    reading.store.away = False
    await eventually(lambda: reading.heads)
    assert (reading.heads, old_room) == ([(reading.store.epoch, 0, ticket)], [])
    assert reading.store.known == {}  # what the old room's viewers claimed is forgotten too


async def test_a_video_forgotten_during_a_read_hears_nothing_of_it(reading: Reading) -> None:
    slow = reading.hold_heads()
    reading.reader.want_head("v1", reading.on_head, 0)
    reading.reader.want_head("v2", reading.on_head, 0)
    await slow.asked.wait()
    reading.reader.forget("v1")
    slow.release.set()
    await eventually(lambda: reading.heads)
    assert len(reading.heads) == 1


async def test_an_ask_during_a_read_gets_a_read_of_its_own(reading: Reading) -> None:
    asked = asyncio.Event()
    release = asyncio.Event()
    heads = reading.store.heads

    async def slow_heads(
        video_ids: tuple[str, ...], known: dict[str, int], states: tuple[str, ...] = ()
    ) -> HeadsReply:
        reply = await heads(video_ids, known, states)
        asked.set()
        await release.wait()
        return reply

    reading.store.heads = slow_heads  # type: ignore[method-assign]
    first = reading.reader.want_head("v1", reading.on_head, 0)
    await asked.wait()
    reading.store.post("v1")
    second = reading.reader.want_head("v1", reading.on_head, 0)
    release.set()
    await eventually(lambda: len(reading.heads) == 2)
    epoch = reading.store.epoch
    assert reading.heads == [(epoch, 0, first), (epoch, 1, second)]


async def test_a_range_is_put_together_from_pages(reading: Reading) -> None:
    reading.store.post("v1", 10)
    whole = reading.store.range

    async def three_at_a_time(video_id: str, after: int, through: int) -> RangeReply:
        return await whole(video_id, after, min(through, after + 3))

    reading.store.range = three_at_a_time  # type: ignore[method-assign]
    reading.reader.want_range("v1", 1, 9, reading.ranges.append)
    await eventually(lambda: reading.ranges)
    reply = reading.ranges[0]
    assert reply is not None
    assert (reply.first_seq, len(reply.comments), reply.head) == (2, 8, 10)


async def test_a_failed_range_is_answered_with_none(reading: Reading) -> None:
    reading.store.away = True
    reading.reader.want_range("v1", 0, 9, reading.ranges.append)
    await eventually(lambda: reading.ranges)
    assert reading.ranges == [None]


async def test_a_failed_range_says_nothing_of_the_store(reading: Reading) -> None:
    """It may have been too long; heads are read all the time, and tell."""
    reading.store.away = True
    reading.reader.want_range("v1", 0, 9, reading.ranges.append)
    await eventually(lambda: reading.ranges)
    assert (reading.reader.reachable, reading.reachable) == (True, [])


async def test_of_one_video_one_range_is_read_at_a_time_and_others_do_not_wait(
    reading: Reading,
) -> None:
    for video_id in ("v1", "v2"):
        reading.store.post(video_id, 9)
    whole, under_way, gate = reading.store.range, [], asyncio.Event()

    async def held(video_id: str, after: int, through: int) -> RangeReply:
        under_way.append((video_id, after))
        await gate.wait()
        return await whole(video_id, after, through)

    reading.store.range = held  # type: ignore[method-assign]
    for video_id, after in (("v1", 0), ("v1", 5), ("v2", 0)):
        reading.reader.want_range(video_id, after, 9, reading.ranges.append)
    await eventually(lambda: len(under_way) == 2)
    assert under_way == [("v1", 0), ("v2", 0)]
    assert reading.reader.ranges_waiting == 3
    gate.set()
    await eventually(lambda: len(reading.ranges) == 3)
    assert reading.reader.ranges_at_once == 1
    assert reading.reader.ranges_waiting == 0


async def test_ranges_that_wait_for_a_forgotten_video_are_not_read(reading: Reading) -> None:
    reading.store.post("v1", 9)
    whole, under_way, gate = reading.store.range, asyncio.Event(), asyncio.Event()

    async def held(video_id: str, after: int, through: int) -> RangeReply:
        under_way.set()
        await gate.wait()
        return await whole(video_id, after, through)

    reading.store.range = held  # type: ignore[method-assign]
    old_room: list[RangeReply | None] = []
    for after in (0, 3):
        reading.reader.want_range("v1", after, 9, old_room.append)
    await under_way.wait()
    reading.reader.forget("v1")
    reading.reader.want_range("v1", 5, 9, reading.ranges.append)
    gate.set()
    await eventually(lambda: reading.ranges)
    assert [read[2] for read in reading.store.reads] == [0, 5]
    assert (len(old_room), reading.reader.ranges_waiting) == (1, 0)
