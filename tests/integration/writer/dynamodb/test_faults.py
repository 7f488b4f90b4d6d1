"""The DynamoDB store on a server that is cut off, frozen, killed and not there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import pytest

from tests.dynalite_server import DynaliteServer
from tests.dynamodb_table import Table
from tests.integration.writer.cassandra.support import item, keyed, texts, until_served
from tests.integration.writer.dynamodb.support import opened
from tests.support import eventually
from tests.tcp_proxy import Direction, TcpProxy
from wire.errors import StoreUnavailable
from writer.dynamodb.store import DynamoStore
from writer.store import Outcome

TO_SERVER = frozenset({Direction.TO_SERVER})


@pytest.fixture
async def running(dynalite_server: DynaliteServer) -> AsyncIterator[DynaliteServer]:
    """The server, for tests that stop it: it runs again at the end."""
    yield dynalite_server
    await dynalite_server.ensure_running()


@dataclass
class Link:
    """A store behind a proxy, and one straight at the server."""

    proxy: TcpProxy
    store: DynamoStore
    straight: DynamoStore


@pytest.fixture
async def link(table: Table) -> AsyncIterator[Link]:
    async with (
        TcpProxy(table.port) as proxy,
        opened(replace(table, port=proxy.port)) as store,
        opened(table) as straight,
    ):
        await store.append("v", keyed("first"))
        yield Link(proxy, store, straight)


async def send_late(link: Link) -> None:
    """Give up a group that is still on its way to the server."""
    groups = link.store._append._groups
    prepare = groups.prepare

    async def then_nothing_passes(sent: object) -> None:
        await prepare(sent)  # type: ignore[arg-type]
        link.proxy.blackhole(TO_SERVER)

    groups.prepare = then_nothing_passes  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable, match="outcome unknown"):
        await link.store.append("v", keyed("late"))
    groups.prepare = prepare  # type: ignore[method-assign]


@pytest.mark.usefixtures("patient")
async def test_a_group_whose_reply_is_lost_is_told_truthfully(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a key, and without rules that are read again, so that the group is all that is sent.
    monkeypatch.setattr("writer.stepwise.rules_as_of.CARRIED_FOR_S", 600)
    for number in range(2, 12):
        link.proxy.lose_reply()
        (result,) = await link.store.append("v", [item(f"k{number}")])
        assert (result.outcome, result.seq) == (Outcome.NEW, number)
    assert link.store.stats.settled["stored"] == link.proxy.lost_replies == 10
    assert len(await texts(link.straight)) == 11


async def test_a_group_that_never_arrived_is_sent_again(link: Link) -> None:
    link.proxy.blackhole(TO_SERVER)
    appending = asyncio.ensure_future(link.store.append("v", [item("a"), item("b")]))
    await eventually(lambda: link.store.queues["store_under_way"])
    link.proxy.reset()
    link.proxy.heal()
    assert [result.seq for result in await appending] == [2, 3]
    assert await texts(link.straight) == ["first", "a", "b"]


async def test_a_group_that_comes_late_is_one_comment(link: Link) -> None:
    """It was given up, and arrives after all: its key gives that one comment."""
    await send_late(link)
    link.proxy.heal()
    (result,) = await until_served(lambda: link.store.append("v", keyed("late")))
    assert result.seq == 2
    (again,) = await link.straight.append("v", keyed("late"))
    assert (again.outcome, again.raw) == (Outcome.REPLAYED, result.raw)
    assert await texts(link.straight) == ["first", "late"]


async def test_a_group_that_comes_too_late_is_none(link: Link) -> None:
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
    done, pause_s = 0, 0.1
    while not posting.done():
        link.proxy.reset()
        await asyncio.wait([posting], timeout=pause_s)
        # A connection that lives for less than a post takes would never do.
        pause_s = 0.1 if len(stored) > done else 2 * pause_s
        done = len(stored)
    await posting
    assert await texts(link.straight) == ["first", *stored]


async def test_a_service_that_is_away_is_told_and_comes_back_by_itself(link: Link) -> None:
    link.proxy.cut()
    for call in (
        link.store.check,
        lambda: link.store.heads(["w"]),
        lambda: link.store.range("v", 0, 9),
        lambda: link.store.append("w", keyed("a")),
    ):
        with pytest.raises(StoreUnavailable):
            await call()
    link.proxy.heal()
    await until_served(lambda: link.store.append("w", keyed("a")))
    assert await texts(link.straight, "w") == ["a"]


async def test_a_link_is_made_anew_when_nothing_answers_for_long(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks for credentials anew, as those of the old one may be over."""
    monkeypatch.setattr("writer.dynamodb.session.NEW_LINK_AFTER_S", 0.0)
    link.proxy.cut()
    with pytest.raises(StoreUnavailable):
        await link.store.check()
    link.proxy.heal()
    await eventually(lambda: link.store.links == 2)
    await until_served(link.store.check)


async def test_a_store_can_be_started_before_its_server(
    running: DynaliteServer, table: Table
) -> None:
    await running.stop()
    store = DynamoStore(table.config)
    await store.start()
    for call in (store.epoch, store.check, lambda: store.append("v", keyed("a"))):
        with pytest.raises(StoreUnavailable):
            await call()
    await running.start()
    (result,) = await until_served(lambda: store.append("v", keyed("a")))
    assert result.seq == 1
    await store.stop()


async def test_a_frozen_server_is_told_within_seconds_and_served_again(
    running: DynaliteServer, table: Table
) -> None:
    async with opened(table) as store:
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


async def test_a_server_that_is_killed_tears_no_group(
    running: DynaliteServer, table: Table
) -> None:
    """Each group is stored whole or not at all, none that was acknowledged is missing, and the same
    keys settle the others.
    """
    videos = [f"v{number}" for number in range(8)]
    groups = {
        video: [[f"{video}-{number}-{index}" for index in range(5)] for number in range(30)]
        for video in videos
    }
    acked: set[str] = set()

    async def post(store: DynamoStore, video: str) -> None:
        for names in groups[video]:
            try:
                await store.append(video, keyed(*names))
            except StoreUnavailable:
                await asyncio.sleep(0.01)
            else:
                acked.add(names[0])

    async with opened(table) as store:
        posting = [asyncio.ensure_future(post(store, video)) for video in videos]
        await eventually(lambda: len(acked) >= 50, 100)
        await running.kill()
        await asyncio.gather(*posting)
        assert len(acked) < 200, "it was killed too late"
        await running.start()
        await until_served(store.check)
        for video in videos:
            check_whole(await until_served(lambda video=video: texts(store, video)), groups[video])
            for names in groups[video]:
                await until_served(
                    lambda video=video, names=names: store.append(video, keyed(*names))
                )
            stored = await texts(store, video)
            check_whole(stored, groups[video])
            assert len(stored) == 150


def check_whole(stored: Sequence[str], groups: Sequence[Sequence[str]]) -> None:
    at = {text: place for place, text in enumerate(stored)}
    assert len(at) == len(stored)
    for names in groups:
        places = [at.get(name) for name in names]
        first = places[0]
        assert places == ([None] * 5 if first is None else list(range(first, first + 5)))
