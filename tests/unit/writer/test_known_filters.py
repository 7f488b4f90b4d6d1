from __future__ import annotations

import asyncio
import json
import threading

import pytest
from prometheus_client import CollectorRegistry

from screening.filters import Filters
from wire.errors import InvalidField, StoreUnavailable
from writer.known_filters import KnownFilters
from writer.metrics import WriterMetrics


def body(*words: str) -> bytes:
    terms = [{"term": word, "kind": "word", "action": "block"} for word in words]
    return json.dumps({"terms": terms}).encode()


class World:
    """Filters of videos that a test sets; what is read of them is counted."""

    def __init__(self, max_bytes: int = 1 << 30) -> None:
        self.stored: dict[str, tuple[int, bytes]] = {}
        self.bodies_read = 0
        self.registry = CollectorRegistry()
        metrics = WriterMetrics(self.registry)
        self.known = KnownFilters(self._version, self._body, metrics, max_bytes)

    async def _version(self, video_id: str) -> int:
        await asyncio.sleep(0)
        return self.stored.get(video_id, (0, b""))[0]

    async def _body(self, video_id: str) -> tuple[int, bytes]:
        self.bodies_read += 1
        await asyncio.sleep(0)
        return self.stored.get(video_id, (0, b""))

    @property
    def evicted(self) -> float | None:
        return self.registry.get_sample_value("livecomments_filters_evicted_total")


async def test_those_that_count_are_read_once_and_again_after_a_change() -> None:
    world = World()
    assert (await world.known.fetch("v"))[0] == world.bodies_read == 0
    for version, word in ((1, "one"), (2, "two")):
        world.stored["v"] = (version, body(word))
        for _ in range(2):
            found, filters = await world.known.fetch("v")
            assert (found, filters.find(word), world.bodies_read) == (version, [0], version)
    assert world.known.find("v")[0] == 2


async def test_all_who_wait_share_a_read() -> None:
    world = World()
    world.stored["v"] = (1, body("one"))
    results = await asyncio.gather(*(world.known.fetch("v") for _ in range(200)))
    assert {version for version, _ in results} == {1}
    assert world.bodies_read == 1


async def test_filters_that_change_all_the_time_are_given_up() -> None:
    world = World()

    async def version(_video_id: str) -> int:
        return world.stored["v"][0] + 1

    world.stored["v"] = (1, body("one"))
    known = KnownFilters(version, world._body, WriterMetrics(CollectorRegistry()))
    with pytest.raises(StoreUnavailable):
        await known.fetch("v")


async def test_what_was_not_asked_for_longest_makes_room() -> None:
    size = Filters.parse(body("word-a")).max_bytes
    world = World(max_bytes=2 * size)
    for video_id in ("a", "b"):
        world.stored[video_id] = (1, body(f"word-{video_id}"))
        await world.known.fetch(video_id)
    world.known.find("a")
    world.known.learn("c", 1, Filters.parse(body("word-c")))
    assert [world.known.find(video_id)[0] for video_id in "abc"] == [1, 0, 1]
    assert world.evicted == 1
    assert (await world.known.fetch("b"))[0] == 1


async def test_videos_with_the_same_terms_share_what_is_compiled() -> None:
    world = World(max_bytes=Filters.parse(body("word")).max_bytes)
    for number in range(500):
        world.stored[str(number)] = (number + 1, Filters.parse(body("word")).encode())
        await world.known.fetch(str(number))
    known = [world.known.find(str(number)) for number in range(500)]
    assert [version for version, _ in known] == list(range(1, 501))
    assert len({id(filters) for _, filters in known}) == 1
    assert world.evicted == 0


async def test_what_takes_the_place_of_an_older_one_is_counted_once() -> None:
    size = Filters.parse(body("word")).max_bytes
    world = World(max_bytes=size)
    for version in (1, 3, 2):
        world.known.learn("a", version, Filters.parse(body("word")))
    assert world.known.find("a")[0] == 3
    assert world.evicted == 0


async def test_the_loop_goes_on_while_filters_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work waits for what only the loop can do."""
    loop_went_on = threading.Event()
    parse = Filters.parse

    def waiting(body: bytes) -> Filters:
        assert loop_went_on.wait(20)
        return parse(body)

    monkeypatch.setattr(Filters, "parse", waiting)
    compiling = asyncio.ensure_future(World().known.compile(body("word")))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(loop_went_on.set)
    assert len((await compiling).terms) == 1


async def test_what_is_wrong_with_filters_is_told() -> None:
    with pytest.raises(InvalidField):
        await World().known.compile(body(""))


def test_filters_say_what_they_may_take() -> None:
    few, many = Filters.parse(body("word")), Filters.parse(body(*(f"{n:080}" for n in range(1000))))
    assert Filters(()).max_bytes == 0
    assert 0 < few.max_bytes < many.max_bytes <= 42 << 20
