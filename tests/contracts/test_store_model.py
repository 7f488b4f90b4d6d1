"""Every store against one model: groups, equal keys, races, pages, retention and restarts."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.reaching import until_it_passes
from tests.contracts.store_backings import BACKINGS, Backing
from tests.contracts.store_model import StoreModel
from tests.support import examples
from wire.comment import NewComment
from writer.store import CommentStore, Item

# A server over a socket costs a hundred times as much as a dictionary.
EXAMPLES = {
    **{"memory": 50, "sqlite": 30},
    **{"cassandra": 4, "dynamodb-moto": 3, "dynamodb-dynalite": 4},
}
PLACE = st.integers(0, 12)
VIDEO = st.integers(0, 1)
# Few keys and few texts, so that they meet; all of Unicode that may be stored, so that it survives.
COMMENTS = st.builds(
    NewComment,
    st.sampled_from(["ann", "b\U0001f600b"]),
    st.one_of(
        st.sampled_from(["x", "y"]),
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20),
    ),
)
ITEMS = st.lists(
    st.builds(
        Item, COMMENTS, st.sampled_from([None, None, "k1", "k2", "k 3"]), st.just("2030-01-01")
    ),
    min_size=1,
    max_size=6,
)


@dataclass
class Run:
    """One example: two stores on one place, the model, and fresh names for its videos."""

    backing: Backing
    stores: list[CommentStore]
    model: StoreModel
    videos: list[str] = field(default_factory=lambda: [secrets.token_hex(8) for _ in range(2)])


@dataclass(frozen=True)
class Append:
    """A group to one of the stores."""

    video: int
    store: int
    items: Sequence[Item]

    async def run(self, run: Run) -> None:
        video_id = run.videos[self.video]
        items = run.model.video(video_id).askable(self.items)
        got = await run.stores[self.store].append(video_id, items)
        run.model.check_append(video_id, items, got)


@dataclass(frozen=True)
class Race:
    """A group to each store, at once."""

    video: int
    groups: tuple[Sequence[Item], Sequence[Item]]

    async def run(self, run: Run) -> None:
        video_id = run.videos[self.video]
        groups = [run.model.video(video_id).askable(group) for group in self.groups]
        calls = zip(run.stores, groups, strict=True)
        got = await asyncio.gather(*(store.append(video_id, group) for store, group in calls))
        run.model.check_race(video_id, groups, got)


@dataclass(frozen=True)
class Range:
    """Comments between two numbers."""

    video: int
    store: int
    after: int
    through: int

    async def run(self, run: Run) -> None:
        video_id = run.videos[self.video]
        page = await run.stores[self.store].range(video_id, self.after, self.through)
        run.model.check_page(video_id, page, self.after, self.through)


@dataclass(frozen=True)
class Recent:
    """The newest comments, or the newest before one."""

    video: int
    store: int
    limit: int
    before: int | None

    async def run(self, run: Run) -> None:
        video_id = run.videos[self.video]
        page = await run.stores[self.store].recent(video_id, self.limit, self.before)
        head = run.model.video(video_id).head
        last = head if self.before is None else min(head, self.before - 1)
        run.model.check_page(video_id, page, last - self.limit, last)


@dataclass(frozen=True)
class Retain:
    """Old comments go, of one video."""

    video: int
    share: float

    async def run(self, run: Run) -> None:
        video_id = run.videos[self.video]
        video = run.model.video(video_id)
        through = int(self.share * video.head)
        if through >= video.oldest:
            run.backing.remove_oldest(video_id, through)
            video.retain(through)


@dataclass(frozen=True)
class Reopen:
    """A store ends and another one opens the same place."""

    store: int

    async def run(self, run: Run) -> None:
        await run.stores[self.store].stop()
        run.stores[self.store] = run.backing.store()
        await run.stores[self.store].start()
        await until_it_passes(run.stores[self.store])
        assert await run.stores[self.store].epoch() == run.model.epoch


class Step(Protocol):
    """Something that is done to the stores and judged by the model at once."""

    async def run(self, run: Run) -> None:
        """AssertionError if a store does not answer as the model does."""


STEPS = st.lists(
    st.one_of(
        st.builds(Append, VIDEO, st.integers(0, 1), ITEMS),
        st.builds(Append, VIDEO, st.integers(0, 1), ITEMS),
        st.builds(Race, VIDEO, st.tuples(ITEMS, ITEMS)),
        st.builds(Range, VIDEO, st.integers(0, 1), PLACE, PLACE),
        st.builds(
            Recent, VIDEO, st.integers(0, 1), st.integers(1, 9), st.none() | st.integers(0, 12)
        ),
        st.builds(Retain, VIDEO, st.floats(0, 1)),
        st.builds(Reopen, st.integers(0, 1)),
    ),
    min_size=8,
    max_size=30,
)


@pytest.mark.parametrize("kind", sorted(BACKINGS))
def test_a_store_answers_as_the_model_does(kind: str, request: pytest.FixtureRequest) -> None:
    backing = BACKINGS[kind].make(request)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stores, epoch = runner.run(opened(backing))

        @settings(max_examples=examples(EXAMPLES[kind]), suppress_health_check=list(HealthCheck))
        @given(steps=STEPS)
        def play(steps: Sequence[Step]) -> None:
            runner.run(
                played(
                    Run(backing, stores, StoreModel(epoch, oldest_lags=backing.oldest_lags)), steps
                )
            )

        try:
            play()
        finally:
            runner.run(closed(stores))


async def opened(backing: Backing) -> tuple[list[CommentStore], str]:
    stores = [backing.store(), backing.store()]
    for store in stores:
        await store.start()
        await until_it_passes(store)
    return stores, await stores[0].epoch()


async def played(run: Run, steps: Sequence[Step]) -> None:
    for step in steps:
        await step.run(run)
    heads = {video_id: run.model.video(video_id).head for video_id in run.videos}
    for store in run.stores:
        assert await store.heads(run.videos, heads) == heads
        lagging = await store.heads(run.videos)
        assert all(lagging[video_id] <= heads[video_id] for video_id in run.videos)
        for video_id in run.videos:
            page = await store.range(video_id, 0, 10**9)
            run.model.check_page(video_id, page, 0, 10**9)


async def closed(stores: Sequence[CommentStore]) -> None:
    for store in stores:
        await store.stop()
