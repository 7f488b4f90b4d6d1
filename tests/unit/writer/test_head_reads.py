from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support import eventually
from wire.errors import StoreUnavailable
from writer.head_reads import HeadReads


class Reads:
    """A store whose reads the test answers, and a clock that it moves."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[int]] = []
        self.now = 100.0
        self.heads = HeadReads(self._read, keep_s=0.5, max_kept=2, now=lambda: self.now)

    async def _read(self, _video_id: str) -> int:
        self.asked.append(asyncio.get_running_loop().create_future())
        return await self.asked[-1]

    async def answer(self, head: int, count: int = 1) -> None:
        """The `count`-th read there ever was."""
        await eventually(lambda: len(self.asked) >= count)
        self.asked[count - 1].set_result(head)

    async def know(self, head: int, video_id: str = "v") -> None:
        """Have a head read and kept."""
        task = asyncio.ensure_future(self.heads.fresh(video_id))
        await self.answer(head, len(self.asked) + 1)
        assert await task == head


@pytest.fixture
async def reads() -> AsyncIterator[Reads]:
    reads = Reads()
    yield reads
    await reads.heads.stop()


async def test_many_who_ask_together_cost_one_read(reads: Reads) -> None:
    asking = [asyncio.ensure_future(reads.heads.head("v")) for _ in range(50)]
    await reads.answer(7)
    assert await asyncio.gather(*asking) == [7] * 50
    assert len(reads.asked) == 1
    assert reads.heads.shared == 49


async def test_an_answer_serves_for_half_a_second_from_the_start_of_its_read(reads: Reads) -> None:
    task = asyncio.ensure_future(reads.heads.head("v"))
    await eventually(lambda: reads.asked)
    reads.now += 0.3  # it takes its time
    await reads.answer(7)
    assert await task == 7
    reads.now += 0.19
    assert await reads.heads.head("v") == 7
    reads.now += 0.02
    later = asyncio.ensure_future(reads.heads.head("v"))
    await reads.answer(8, 2)
    assert await later == 8


async def test_a_kept_head_never_denies_a_number(reads: Reads) -> None:
    await reads.know(7)
    assert await reads.heads.head("v", 7) == 7
    judged = asyncio.ensure_future(reads.heads.head("v", 8))
    await reads.answer(8, 2)
    assert await judged == 8


async def test_a_read_under_way_does_not_answer_who_must_have_a_fresh_one(reads: Reads) -> None:
    early = asyncio.ensure_future(reads.heads.head("v"))
    await eventually(lambda: reads.asked)
    fresh = [asyncio.ensure_future(reads.heads.fresh("v")) for _ in range(20)]
    await asyncio.sleep(0)
    await reads.answer(7)
    assert await early == 7
    assert not any(task.done() for task in fresh)
    await reads.answer(8, 2)
    assert await asyncio.gather(*fresh) == [8] * 20
    assert len(reads.asked) == 2


async def test_fresh_ones_asked_for_during_the_second_read_wait_for_a_third(reads: Reads) -> None:
    tasks = [asyncio.ensure_future(reads.heads.fresh("v"))]
    for count in (1, 2):
        await eventually(lambda count=count: len(reads.asked) == count)
        tasks.append(asyncio.ensure_future(reads.heads.fresh("v")))
        await asyncio.sleep(0)
        await reads.answer(count, count)
    await reads.answer(3, 3)
    assert await asyncio.gather(*tasks) == [1, 2, 3]


async def test_a_slow_read_does_not_hide_what_this_process_stored_meanwhile(reads: Reads) -> None:
    slow = asyncio.ensure_future(reads.heads.head("v"))
    await eventually(lambda: reads.asked)
    reads.now += 0.1
    reads.heads.learn("v", 9)
    await reads.answer(8)
    assert await slow == 8
    assert await reads.heads.head("v") == 9


async def test_a_failure_is_told_to_all_who_wait_and_not_kept(reads: Reads) -> None:
    asking = [asyncio.ensure_future(reads.heads.head("v")) for _ in range(3)]
    follows = asyncio.ensure_future(reads.heads.fresh("v"))
    await eventually(lambda: reads.asked)
    reads.asked[0].set_exception(StoreUnavailable("away"))
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(result, StoreUnavailable) for result in results)
    await reads.answer(7, 2)
    assert await follows == 7


async def test_a_caller_that_goes_away_takes_nobody_along(reads: Reads) -> None:
    leaves, stays = (asyncio.ensure_future(reads.heads.head("v")) for _ in range(2))
    await eventually(lambda: reads.asked)
    leaves.cancel()
    await reads.answer(7)
    assert await stays == 7


async def test_videos_do_not_share_and_the_oldest_makes_room(reads: Reads) -> None:
    for number, video_id in enumerate(("a", "b", "c")):
        await reads.know(number, video_id)
    assert await reads.heads.head("b") == 1
    again = asyncio.ensure_future(reads.heads.head("a"))
    await reads.answer(5, 4)
    assert await again == 5
