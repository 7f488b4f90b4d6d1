from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from service.logs import bind_request, current_request_id
from service.tasks import TaskHome
from tests.support import eventually
from wire.comment import NewComment
from wire.errors import Overloaded, StoreUnavailable
from wire.internal import Batch
from writer.group_commit import GroupCommit, Limits
from writer.metrics import WriterMetrics
from writer.store import MAX_GROUP, Appended, Item, Outcome
from writer.testing import ListSink, MemoryStore


class Bench:
    """A GroupCommit on a store that can be held."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.store, self.sink, self.tasks = MemoryStore(), ListSink(), TaskHome()
        self.registry = CollectorRegistry()
        self.groups = GroupCommit(
            self.store, self.sink, self.tasks, WriterMetrics(self.registry), limits=limits
        )

    def post(
        self, text: str, key: str | None = None, video: str = "v", request_id: str = ""
    ) -> Any:
        coro = self.groups.post(video, NewComment("ann", text), key, request_id)
        return asyncio.ensure_future(coro)

    def sizes(self) -> list[int]:
        return [len(items) for _, items in self.store.groups]

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"livecomments_{name}_total", labels) or 0.0


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    await bench.store.start()
    yield bench
    await bench.tasks.aclose()


async def hold_first(bench: Bench, video: str = "v") -> asyncio.Future[Appended]:
    """One comment at the store, held there."""
    bench.store.gate.clear()
    groups = len(bench.store.groups)
    first: asyncio.Future[Appended] = bench.post("first", video=video)
    await eventually(lambda: len(bench.store.groups) > groups)
    return first


async def test_one_comment_is_committed_at_once_and_handed_over(bench: Bench) -> None:
    result = await bench.post("hello", request_id="r1")
    assert (result.outcome, result.seq) == (Outcome.NEW, 1)
    (batch,) = bench.sink.batches
    assert (batch.video_id, batch.first_seq, batch.request_id) == ("v", 1, "r1")
    assert bytes(batch.comments[0]) == result.raw
    assert batch.accepted_at > 0
    assert bench.groups.videos == bench.groups.waiting == 0


async def test_what_arrives_during_a_commit_is_the_next_group(bench: Bench) -> None:
    first = await hold_first(bench)
    rest = [bench.post(str(number)) for number in range(30)]
    await asyncio.sleep(0)
    bench.store.gate.set()
    results = await asyncio.gather(first, *rest)
    assert [result.seq for result in results] == list(range(1, 32))
    assert bench.sizes() == [1, 30]
    assert [len(batch.comments) for batch in bench.sink.batches] == [1, 30]


async def test_a_group_has_a_largest_size(bench: Bench) -> None:
    first = await hold_first(bench)
    rest = [bench.post(str(number)) for number in range(MAX_GROUP + 1)]
    await asyncio.sleep(0)
    bench.store.gate.set()
    await asyncio.gather(first, *rest)
    assert bench.sizes() == [1, MAX_GROUP, 1]


async def test_nothing_is_handed_over_before_the_commit(bench: Bench) -> None:
    first = await hold_first(bench)
    assert bench.sink.batches == []
    assert not first.done()
    bench.store.gate.set()
    await first
    assert len(bench.sink.batches) == 1


async def test_videos_do_not_wait_for_one_another(bench: Bench) -> None:
    bench.store.gate.clear()
    posts = [bench.post("x", video=f"v{number}") for number in range(10)]
    await eventually(lambda: len(bench.store.groups) == 10)
    bench.store.gate.set()
    assert {result.seq for result in await asyncio.gather(*posts)} == {1}


async def test_a_store_that_fails_is_told_to_all_of_the_group_and_to_nobody_else(
    bench: Bench,
) -> None:
    first = await hold_first(bench)
    rest = [bench.post(str(number)) for number in range(3)]
    await asyncio.sleep(0)
    bench.store.broken = True
    bench.store.gate.set()
    outcomes = await asyncio.gather(first, *rest, return_exceptions=True)
    assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
    assert bench.sink.batches == []
    bench.store.broken = False
    assert (await bench.post("later")).seq == 1
    assert bench.count("comments_refused", reason="store") == 4


async def test_a_key_that_could_not_be_searched_fails_alone(bench: Bench) -> None:
    bench.store.unsearched.add("k")
    first = await hold_first(bench)
    undecided, other = bench.post("x", key="k"), bench.post("y")
    await asyncio.sleep(0)
    bench.store.gate.set()
    with pytest.raises(StoreUnavailable, match="not stored"):
        await undecided
    assert [(await post).seq for post in (first, other)] == [1, 2]
    assert bench.sizes() == [1, 2]
    assert [batch.first_seq for batch in bench.sink.batches] == [1, 2]
    assert bench.count("comments_refused", reason="store") == 1
    assert bench.count("comments_conflicts") == 0
    bench.store.unsearched.clear()
    assert (await bench.post("x", key="k")).outcome is Outcome.NEW


async def test_a_caller_that_goes_away_does_not_stop_its_group(bench: Bench) -> None:
    first = await hold_first(bench)
    gone, stays = bench.post("gone"), bench.post("stays")
    bench.store.gate.set()
    await eventually(lambda: len(bench.store.groups) == 2)
    gone.cancel()
    assert (await stays).outcome is Outcome.NEW
    assert (await first).seq == 1
    assert bench.groups.waiting == 0


async def test_a_caller_that_left_before_its_group_began_is_left_out(bench: Bench) -> None:
    first = await hold_first(bench)
    gone, stays = bench.post("gone"), bench.post("stays")
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    bench.store.gate.set()
    assert (await stays).seq == 2
    await first
    assert bench.sizes() == [1, 1]
    assert bench.groups.waiting == 0


async def test_a_replayed_key_is_handed_over_again_once(bench: Bench) -> None:
    await bench.post("x", key="k")
    first = await hold_first(bench)
    rest = [bench.post("x", key="k"), bench.post("x", key="k"), bench.post("y")]
    await asyncio.sleep(0)
    bench.store.gate.set()
    results = await asyncio.gather(first, *rest)
    assert [result.seq for result in results] == [2, 1, 1, 3]
    assert [(batch.first_seq, len(batch.comments)) for batch in bench.sink.batches[2:]] == [
        (3, 1),
        (1, 1),
    ]


async def test_equal_new_keys_in_a_group_are_handed_over_once(bench: Bench) -> None:
    first = await hold_first(bench)
    rest = [bench.post("x", key="k"), bench.post("x", key="k"), bench.post("other", key="k")]
    await asyncio.sleep(0)
    bench.store.gate.set()
    results = await asyncio.gather(first, *rest)
    assert [result.outcome for result in results[1:]] == [
        Outcome.NEW,
        Outcome.REPLAYED,
        Outcome.CONFLICT,
    ]
    assert [(batch.first_seq, len(batch.comments)) for batch in bench.sink.batches] == [
        (1, 1),
        (2, 1),
    ]
    assert bench.count("comments_accepted") == 2
    assert bench.count("comments_replayed") == bench.count("comments_conflicts") == 1


async def test_too_many_waiting_are_refused_and_counted() -> None:
    bench = Bench(Limits(max_waiting=3, max_waiting_per_video=2))
    await bench.store.start()
    first = await hold_first(bench)
    second = bench.post("second")
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await bench.post("over the video's bound")
    other = bench.post("other video", video="w")
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await bench.post("over the bound", video="x")
    assert bench.count("comments_refused", reason="video_queue_full") == 1
    assert bench.count("comments_refused", reason="queue_full") == 1
    bench.store.gate.set()
    await asyncio.gather(first, second, other)
    assert (await bench.post("room again")).seq == 3
    await bench.tasks.aclose()


async def test_a_caller_waits_no_longer_than_the_deadline() -> None:
    bench = Bench(Limits(deadline_s=0.05))
    await bench.store.start()
    bench.store.gate.clear()
    with pytest.raises(StoreUnavailable, match="in time"):
        await bench.post("x")
    assert bench.groups.waiting == 1  # still at the store, and counted
    bench.store.gate.set()
    await bench.groups.wait_idle()
    assert [batch.first_seq for batch in bench.sink.batches] == [1]
    await bench.tasks.aclose()


async def test_each_caller_has_the_whole_deadline_whoever_came_before() -> None:
    bench = Bench(Limits(deadline_s=0.5))
    await bench.store.start()
    for text in "ab":  # in time; the timer is that of the first
        await bench.post(text)
    bench.store.gate.clear()
    begun = asyncio.get_running_loop().time()
    late = [bench.post("c"), bench.post("d")]
    outcomes = await asyncio.gather(*late, return_exceptions=True)
    assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
    assert asyncio.get_running_loop().time() - begun > 0.4  # the clock counts in milliseconds
    bench.store.gate.set()
    await bench.groups.wait_idle()
    assert (await bench.post("e")).seq == 5  # both were at the store already
    await bench.tasks.aclose()


async def test_stopping_refuses_what_still_waits(bench: Bench) -> None:
    first = await hold_first(bench)
    second = bench.post("second")
    await asyncio.sleep(0)
    await bench.tasks.aclose()
    outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
    await bench.groups.wait_idle()


async def test_a_bug_in_the_store_refuses_the_group_and_ends_the_process(bench: Bench) -> None:
    async def append(_video_id: str, _items: list[Item]) -> list[Appended]:
        raise ZeroDivisionError

    bench.store.append = append  # type: ignore[method-assign, assignment]
    with pytest.raises(StoreUnavailable):
        await bench.post("x")
    assert isinstance(await bench.tasks.wait_failed(), ZeroDivisionError)
    assert bench.groups.waiting == 0


async def test_a_lane_does_not_run_in_the_context_of_its_first_request() -> None:
    seen: list[str] = []

    class Sink(ListSink):
        def offer(self, batch: Batch) -> None:
            seen.append(current_request_id())

    bench = Bench()
    await bench.store.start()
    bench.groups = GroupCommit(bench.store, Sink(), bench.tasks, WriterMetrics(CollectorRegistry()))
    with bind_request("first"):
        await bench.post("x")
    assert seen == [""]
    await bench.tasks.aclose()


class CuttingStore(MemoryStore):
    """Cuts every group after its first item, and lets another writer in between."""

    async def append(self, video_id: str, items: Sequence[Item]) -> list[Appended]:
        first = await super().append(video_id, items[:1])
        await super().append(video_id, [Item(NewComment("bob", "other"), None, "now")])
        return first + await super().append(video_id, items[1:])


async def test_a_group_that_the_store_cut_is_handed_over_in_runs() -> None:
    bench = Bench()
    bench.store = CuttingStore()
    bench.groups = GroupCommit(
        bench.store, bench.sink, bench.tasks, WriterMetrics(CollectorRegistry())
    )
    await bench.store.start()
    posts = [bench.post(text) for text in "abc"]
    assert [(await post).seq for post in posts] == [1, 3, 4]
    assert [(batch.first_seq, len(batch.comments)) for batch in bench.sink.batches] == [
        (1, 1),
        (3, 2),
    ]
    await bench.tasks.aclose()
