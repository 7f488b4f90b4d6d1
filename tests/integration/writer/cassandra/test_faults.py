"""The Cassandra store on a server that is cut off, frozen, killed and not there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from tests.cassandra_server import CassandraServer
from tests.integration.writer.cassandra.support import (
    item,
    keyed,
    opened,
    texts,
    until_served,
)
from tests.keyspace import Keyspace
from tests.support import eventually
from tests.tcp_proxy import Direction, TcpProxy
from wire.errors import StoreUnavailable
from writer.cassandra.store import CassandraStore
from writer.stepwise.group import Known
from writer.store import Appended, Item, Outcome

TO_SERVER = frozenset({Direction.TO_SERVER})


@pytest.fixture
def keyspace(cassandra_server: CassandraServer) -> Keyspace:
    return Keyspace.emptied(cassandra_server)


@pytest.fixture
async def running(cassandra_server: CassandraServer) -> AsyncIterator[CassandraServer]:
    """The server, for tests that stop it: it runs again at the end."""
    yield cassandra_server
    await cassandra_server.ensure_running()


@dataclass
class Link:
    """A store behind a proxy, and one straight at the server."""

    proxy: TcpProxy
    store: CassandraStore
    straight: CassandraStore


@pytest.fixture
async def link(keyspace: Keyspace) -> AsyncIterator[Link]:
    async with TcpProxy(keyspace.port) as proxy:
        points = ((keyspace.host, proxy.port),)
        async with (
            opened(keyspace, contact_points=points) as store,
            opened(keyspace) as straight,
        ):
            await store.append("v", keyed("first"))
            yield Link(proxy, store, straight)


async def send_late(link: Link) -> None:
    """Give up a commit that is still on its way to the server."""
    keys = link.store._append._keys
    fetch = keys.fetch

    async def then_nothing_passes(video_id: str, head: int, keys: Sequence[str]) -> Known:
        found = await fetch(video_id, head, keys)
        link.proxy.blackhole(TO_SERVER)
        return found

    keys.fetch = then_nothing_passes  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable, match="outcome unknown"):
        await link.store.append("v", keyed("late"))
    keys.fetch = fetch  # type: ignore[method-assign]


async def test_a_commit_whose_reply_is_lost_is_told_truthfully(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a key, and without rules to be read again, so that the commit is all that is sent.
    monkeypatch.setattr("writer.stepwise.rules_as_of.CARRIED_FOR_S", 600)
    for number in range(2, 62):
        link.proxy.lose_reply()
        (result,) = await link.store.append("v", [item(f"k{number}")])
        assert (result.outcome, result.seq) == (Outcome.NEW, number)
        if link.store.stats.settled["stored"] == 5:  # some met a heartbeat instead
            break
    assert link.store.stats.settled["stored"] == 5
    assert len(await texts(link.straight)) == number


async def test_a_commit_that_never_arrived_is_sent_again(link: Link) -> None:
    link.proxy.blackhole(TO_SERVER)
    appending = asyncio.ensure_future(link.store.append("v", [item("a"), item("b")]))
    await eventually(lambda: link.store.queues["store_under_way"])
    link.proxy.reset()
    link.proxy.heal()
    assert [result.seq for result in await appending] == [2, 3]
    assert await texts(link.straight) == ["first", "a", "b"]


async def test_a_commit_that_comes_late_is_one_comment(link: Link) -> None:
    """It was given up, and arrives after all: its key gives that one comment."""
    await send_late(link)
    link.proxy.heal()
    (result,) = await until_served(lambda: link.store.append("v", keyed("late")))
    assert result.seq == 2
    (again,) = await link.straight.append("v", keyed("late"))
    assert (again.outcome, again.raw) == (Outcome.REPLAYED, result.raw)
    assert await texts(link.straight) == ["first", "late"]


async def test_a_commit_that_comes_too_late_is_none(link: Link) -> None:
    """Another writer was first meanwhile: its condition fails."""
    await send_late(link)
    await link.straight.append("v", keyed("theirs"))
    link.proxy.heal()
    (result,) = await until_served(lambda: link.store.append("v", keyed("late")))
    assert (result.outcome, result.seq) == (Outcome.NEW, 3)
    assert await texts(link.straight) == ["first", "theirs", "late"]


async def test_a_connection_that_breaks_all_the_time_loses_nothing(link: Link) -> None:
    stored: list[str] = []

    async def post() -> None:
        for number in range(20):
            name = f"k{number}"
            await until_served(lambda name=name: link.store.append("v", keyed(name)))
            stored.append(name)

    posting = asyncio.ensure_future(post())
    done, pause_s = 0, 0.4
    while not posting.done():
        link.proxy.reset()
        await asyncio.wait([posting], timeout=pause_s)
        # A connection that lives for less than a post takes would never do.
        pause_s = 0.4 if len(stored) > done else 2 * pause_s
        done = len(stored)
    await posting
    assert await texts(link.straight) == ["first", *stored]


async def test_a_server_that_is_away_is_told_at_once_and_comes_back_by_itself(link: Link) -> None:
    link.proxy.cut()
    for call in (
        link.store.check,
        lambda: link.store.heads(["w"]),
        lambda: link.store.range("v", 0, 9),
    ):
        with pytest.raises(StoreUnavailable):
            await call()
    with pytest.raises(StoreUnavailable):
        await asyncio.wait_for(link.store.append("w", keyed("a")), 4)
    link.proxy.heal()
    await until_served(lambda: link.store.append("w", keyed("a")), 15)
    assert link.store.links == 1


async def test_a_store_can_be_started_before_its_server(
    running: CassandraServer, keyspace: Keyspace
) -> None:
    await running.stop()
    store = CassandraStore(keyspace.config)
    begun = time.monotonic()
    await store.start()
    with pytest.raises(StoreUnavailable):
        await store.epoch()
    with pytest.raises(StoreUnavailable):
        await store.append("v", keyed("a"))
    with pytest.raises(StoreUnavailable):
        await store.check()
    assert time.monotonic() - begun < 10
    await running.start()
    (result,) = await until_served(lambda: store.append("v", keyed("a")))
    assert result.seq == 1
    await store.stop()


async def test_a_frozen_server_is_told_within_seconds_and_served_again(
    running: CassandraServer, keyspace: Keyspace
) -> None:
    async with opened(keyspace) as store:
        await store.append("v", keyed("a"))
        running.pause()
        try:
            begun = time.monotonic()
            with pytest.raises(StoreUnavailable):
                await store.heads(["w"])
            with pytest.raises(StoreUnavailable):
                await store.append("v", keyed("b"))
            assert time.monotonic() - begun < 20
        finally:
            running.resume()
        (result,) = await until_served(lambda: store.append("v", keyed("b")))
        assert result.seq == 2
        assert await texts(store) == ["a", "b"]


@dataclass
class Group:
    """One append: what was sent, what was said."""

    items: list[Item]
    results: list[Appended] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [item.comment.text for item in self.items]


async def test_a_server_that_is_killed_tears_no_group(
    running: CassandraServer, keyspace: Keyspace
) -> None:
    """1,000 groups in flight on 20 videos: each is stored whole or not at all, none that was
    acknowledged is missing, and the same keys settle the others.
    """
    videos = [f"v{number}" for number in range(20)]
    groups: dict[str, list[Group]] = {video: [] for video in videos}
    for video in videos:
        for number in range(50):
            names = [f"{video}-{number}-{index}" for index in range(5)]
            groups[video].append(Group([item(name, name) for name in names]))

    async def post(store: CassandraStore, video: str) -> None:
        for group in groups[video]:
            try:
                group.results = await store.append(video, group.items)
            except StoreUnavailable:
                await asyncio.sleep(0.01)

    async with opened(keyspace) as store:
        posting = [asyncio.ensure_future(post(store, video)) for video in videos]
        await eventually(lambda: acked(groups) >= 200, 100)
        await running.kill()
        await asyncio.gather(*posting)
        assert acked(groups) < 900, "it was killed too late"
        await running.start()
        await until_served(store.check)
        await asyncio.gather(*(settle_all(store, video, groups[video]) for video in videos))


async def settle_all(store: CassandraStore, video: str, groups: list[Group]) -> None:
    await check_whole(store, video, groups)
    for group in groups:
        again = await until_served(partial(store.append, video, group.items))
        if group.results:
            assert [result.raw for result in again] == [r.raw for r in group.results]
    await check_whole(store, video, groups, all_of_them=True)


def acked(groups: dict[str, list[Group]]) -> int:
    return sum(bool(group.results) for of_video in groups.values() for group in of_video)


async def check_whole(
    store: CassandraStore, video: str, groups: list[Group], *, all_of_them: bool = False
) -> None:
    stored: list[Any] = await until_served(lambda: texts(store, video))
    at = {text: index for index, text in enumerate(stored)}
    assert len(at) == len(stored)
    for group in groups:
        places = [at.get(text) for text in group.texts]
        if group.results or all_of_them:
            assert None not in places
        if places[0] is None:
            assert set(places) == {None}
        else:
            assert places == list(range(places[0], places[0] + len(places)))
