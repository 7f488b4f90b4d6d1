from __future__ import annotations

import asyncio

import pytest

from tests.support import eventually
from wire.errors import Overloaded
from writer.read_lanes import LaneBounds, ReadLane


class Lane:
    """A lane whose reads last until `gate` is set; `read` and `refused` say what became of them."""

    def __init__(self, at_once: int = 1, max_waiting: int = 10, wait_s: float = 60.0) -> None:
        self.refused: list[str] = []
        self.now_s = 0.0
        self.lane = ReadLane(
            LaneBounds(at_once, max_waiting, wait_s), self.refused.append, now=lambda: self.now_s
        )
        self.gate = asyncio.Event()
        self.begun: list[str] = []

    async def _read(self, name: str) -> str:
        async with self.lane.turn():
            self.begun.append(name)
            await self.gate.wait()
        return name

    def read(self, name: str) -> asyncio.Task[str]:
        return asyncio.create_task(self._read(name))


async def test_so_many_reads_are_carried_out_at_once_and_the_others_in_their_order() -> None:
    lane = Lane(at_once=2)
    reads = [lane.read(name) for name in "abcde"]
    await eventually(lambda: lane.lane.waiting == 3)
    assert lane.begun == ["a", "b"]
    lane.gate.set()
    assert await asyncio.gather(*reads) == lane.begun == list("abcde")
    assert lane.lane.waiting == 0


async def test_under_overload_the_newest_goes_first() -> None:
    """Whoever has waited for long has most often gone."""
    lane = Lane(wait_s=60.0)
    reads = [lane.read(name) for name in "abc"]
    await eventually(lambda: lane.lane.waiting == 2)
    lane.now_s = 21.0
    reads.append(lane.read("d"))
    await eventually(lambda: lane.lane.waiting == 3)
    lane.gate.set()
    await asyncio.gather(*reads)
    assert lane.begun == ["a", "d", "c", "b"]


async def test_what_finds_the_lane_full_is_refused_at_once() -> None:
    lane = Lane(max_waiting=1)
    reads = [lane.read(name) for name in "ab"]
    await eventually(lambda: lane.lane.waiting == 1)
    with pytest.raises(Overloaded):
        await lane.read("c")
    assert lane.refused == ["full"]
    lane.gate.set()
    assert await asyncio.gather(*reads) == ["a", "b"]


async def test_what_has_waited_too_long_is_refused_and_never_begins() -> None:
    lane = Lane(wait_s=0.01)
    first = lane.read("a")
    await eventually(lambda: lane.begun)
    with pytest.raises(Overloaded):
        await lane.read("b")
    assert (lane.refused, lane.lane.waiting) == (["late"], 0)
    lane.gate.set()
    assert (await first, lane.begun) == ("a", ["a"])


async def test_whoever_goes_in_the_moment_of_its_turn_passes_it_on() -> None:
    lane = Lane()
    async with lane.lane.turn():
        reads = [lane.read(name) for name in "bc"]
        await eventually(lambda: lane.lane.waiting == 2)
    reads[0].cancel()  # it is its turn, and it does not know yet
    await eventually(lambda: lane.begun == ["c"])
    lane.gate.set()
    assert await reads[1] == "c"


async def test_whoever_goes_gives_up_its_place() -> None:
    """While it waits, and after it has begun."""
    lane = Lane()
    reads = {name: lane.read(name) for name in "abc"}
    await eventually(lambda: lane.lane.waiting == 2)
    for name in "ab":
        reads[name].cancel()
    await eventually(lambda: lane.begun == ["a", "c"])
    assert (lane.lane.waiting, lane.refused) == (0, [])
    lane.gate.set()
    assert await reads["c"] == "c"
