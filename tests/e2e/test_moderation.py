"""Removals in a whole cluster: on every topology every screen learns of them, whoever dies."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest

from cluster.cluster import Cluster
from cluster.parts import Kind
from tests.chaos.history import Watch
from tests.e2e.contract import Comments, servers, watching, writers
from tests.e2e.moderator import PATIENCE_S, RESTED_S, Moderator
from tests.e2e.parts import served_by
from tests.support import TIMEOUT_FACTOR, eventually
from wire.topology import Topology

TOPOLOGIES = tuple(Topology)
STORES = ("sqlite", "cassandra", "dynamodb")
SMALL = True
pytestmark = pytest.mark.timeout(300)

RATE, POSTS, VIEWERS, ONE_OF = 100, 600, 20, 50


async def post_until_told(comments: Comments, text: str) -> dict[str, Any]:
    """With one key, until it is stored."""
    key = secrets.token_hex(8)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                status, comment = await comments.post(text, key)
            except (aiohttp.ClientError, TimeoutError):
                status, comment = 0, {}
            if status in (200, 201):
                return comment
            if status == 410:  # it was stored, and removed before its reply was lost
                return {}
            await asyncio.sleep(RESTED_S)


@asynccontextmanager
async def audience(cluster: Cluster, video_id: str, count: int) -> AsyncIterator[list[Watch]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(watching(cluster, video_id, "replay=0"))
            for _ in range(count)
        ]


def entries_of(watch: Watch) -> list[tuple[int, str]]:
    """What came with a number of its own."""
    return [
        (int(event.id.rpartition("-")[2]), event.type)
        for event in watch.events
        if event.type not in ("hello", "bye", "gap", "reset")
    ]


async def test_a_removal_is_seen_by_everybody_and_taken_back(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    comments = Comments(cluster, session)
    moderator = Moderator(cluster, session, comments.video_id)
    async with audience(cluster, comments.video_id, 3) as watches:
        for text in ("one", "secret", "three"):
            await comments.told(text)
        notice = await moderator.remove(2)
        await eventually(lambda: all(watch.head == 4 for watch in watches))
        assert all(watch.events[-1].data == notice for watch in watches)
        async with watching(cluster, comments.video_id, "replay=10") as late:
            await eventually(lambda: late.head == 4)
        assert [kind for _, kind in entries_of(late)] == [
            *("comment", "tombstone", "comment", "removed")
        ]
        comment = await moderator.restore(2)
        await eventually(lambda: all(watch.head == 5 for watch in watches))
        assert all(watch.events[-1].data["comment"] == comment for watch in watches)
        async with watching(cluster, comments.video_id, "replay=10") as late:
            await eventually(lambda: late.head == 5)
        assert next(event.data for event in late.events if event.id.endswith("-2")) == comment
        await moderator.remove(2)
        await eventually(lambda: all(watch.head == 6 for watch in watches))
        for at in servers(cluster):
            async with asyncio.timeout(20 * TIMEOUT_FACTOR):  # until its node has the notice too
                while "secret" in await shown_late(cluster, comments.video_id, at, head=6):
                    pass
        assert "secret" not in str(await moderator.log())


async def shown_late(cluster: Cluster, video_id: str, at: str, head: int) -> str:
    """All that a new viewer of this server gets up to the head."""
    async with watching(cluster, video_id, "replay=10", at=at) as late:
        await eventually(lambda: late.head == head)
    return str(late.events)


async def test_removals_come_once_and_in_order_whoever_dies(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    """One of fifty comments is removed under posts, while a server and a writer are killed."""
    comments = Comments(cluster, session)
    moderator = Moderator(cluster, session, comments.video_id)
    removed: dict[int, dict[str, Any]] = {}

    async def post(number: int) -> None:
        comment = await post_until_told(comments, f"word-{number}-end")
        if comment and comment["seq"] % ONE_OF == 7:
            removed[comment["seq"]] = comment
            await moderator.remove(comment["seq"])

    async with audience(cluster, comments.video_id, VIEWERS) as watches:
        first = served_by(watches[0])
        kills = {POSTS // 3: first, 2 * POSTS // 3: writers(cluster)[0]}
        await under_kills(cluster, post, kills)
        log = await moderator.log()
        await eventually(lambda: all(watch.head == len(log) for watch in watches), 60)
    await check_log(log, removed)
    wanted = [(entry["seq"], entry.get("type", "comment")) for entry in log]
    for watch in watches:
        check_screen(entries_of(watch), wanted)
    await check_nobody_says_it(cluster, moderator, removed)


async def under_kills(
    cluster: Cluster, post: Callable[[int], Awaitable[None]], kills: dict[int, str]
) -> None:
    """All posts, at a rate; who is killed at one of them is started again soon after."""
    async with asyncio.TaskGroup() as tasks:
        for number in range(POSTS):
            tasks.create_task(post(number))  # type: ignore[arg-type]
            await asyncio.sleep(1 / RATE)  # the rate, not a wait
            if number in kills:
                await cluster.kill(kills[number])
                tasks.create_task(cluster.start(kills[number]))


async def check_log(log: list[dict[str, Any]], removed: dict[int, dict[str, Any]]) -> None:
    assert [entry["seq"] for entry in log] == list(range(1, len(log) + 1))
    targets = [seq for entry in log for seq in entry.get("targets", [])]
    assert sorted(targets) == sorted(removed)
    assert len(removed) >= POSTS // ONE_OF - 2
    kinds = {entry["seq"] for entry in log if entry.get("type") == "tombstone"}
    assert kinds == set(removed)


def check_screen(shown: list[tuple[int, str]], wanted: list[tuple[int, str]]) -> None:
    """Each entry once, in order; a comment that was removed later may have been shown before."""
    assert [seq for seq, _ in shown] == [seq for seq, _ in wanted]
    for (_, kind), (seq, stored) in zip(shown, wanted, strict=True):
        assert kind == stored or (kind, stored) == ("comment", "tombstone"), seq


async def check_nobody_says_it(
    cluster: Cluster, moderator: Moderator, removed: dict[int, dict[str, Any]]
) -> None:
    words = [comment["text"] for comment in removed.values()]
    for at in (Kind.HAPROXY, *writers(cluster)):
        for seq in removed:
            assert (await moderator.read(f"/comments/{seq}", at=at))[0] == 410
            for path in ("comments", "entries"):
                cursor = f"{removed[seq]['id'].split('-')[0]}-{seq + 20}"
                status, text = await moderator.read(f"/{path}?limit=100&before={cursor}", at=at)
                assert status == 200
                assert not [word for word in words if word in text]
    video_id = next(iter(removed.values()))["video_id"]
    for at in servers(cluster):
        async with watching(cluster, video_id, "replay=200", at=at) as late:
            await eventually(lambda late=late: len(entries_of(late)) >= 200)
        shown = dict(entries_of(late))
        assert all(shown[seq] == "tombstone" for seq in removed if seq in shown)
        assert not [word for word in words if word in str(late.events)]
        assert [kind for kind in shown.values() if kind == "tombstone"]
