"""Removals in a whole cluster: on every topology every screen learns of them, whoever dies."""

from __future__ import annotations

import asyncio
import secrets
import time
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
from tests.e2e.replies import Replies
from tests.support import TIMEOUT_FACTOR, eventually
from wire.topology import Topology

TOPOLOGIES = tuple(Topology)
STORES = ("sqlite", "cassandra", "dynamodb")
SMALL = True
pytestmark = pytest.mark.timeout(300)

RATE, POSTS, VIEWERS, ONE_OF = 100, 600, 20, 50
NO_ENTRIES = ("hello", "bye", "gap", "reset")


async def post_until_told(
    comments: Comments, text: str, key: str, *, at: str = Kind.HAPROXY
) -> tuple[int, dict[str, Any]]:
    """Until it is stored, or known to be removed: status and document."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                status, document = await comments.post(text, key, at=at)
            except (aiohttp.ClientError, TimeoutError):
                status, document = 0, {}
            if status in (200, 201, 410):
                return status, document
            await asyncio.sleep(RESTED_S)


@asynccontextmanager
async def audience(cluster: Cluster, video_id: str, count: int) -> AsyncIterator[list[Watch]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(watching(cluster, video_id, "replay=0"))
            for _ in range(count)
        ]


def entries_of(watch: Watch) -> list[dict[str, Any]]:
    """What came with a number of its own."""
    return [event.data for event in watch.events if event.id and event.type not in NO_ENTRIES]


def kinds_of(entries: list[dict[str, Any]]) -> list[str]:
    return [entry.get("type", "comment") for entry in entries]


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
        assert kinds_of(entries_of(late)) == ["comment", "tombstone", "comment", "removed"]
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
    """One of fifty comments is removed under posts, while a server and a writer are killed, and a
    viewer more comes each second.
    """
    comments = Comments(cluster, session)
    load = Load(cluster, session, comments)
    async with audience(cluster, comments.video_id, VIEWERS) as watches, AsyncExitStack() as stack:
        late: list[Watch] = []

        async def come_late() -> None:
            watch = watching(cluster, comments.video_id, "replay=20")
            late.append(await stack.enter_async_context(watch))

        kills = {POSTS // 3: served_by(watches[0]), 2 * POSTS // 3: writers(cluster)[0]}
        await under_kills(cluster, load.post, come_late, kills)
        log = await load.moderator.log()
        everybody = watches + late
        await eventually(lambda: all(watch.head == len(log) for watch in everybody), 60)
    load.check_log(log)
    for watch in watches:
        load.check_screen(entries_of(watch), log)
    assert len(late) == POSTS // RATE
    for watch in late:
        shown = entries_of(watch)
        load.check_screen(shown, log[shown[0]["seq"] - 1 :])
    await load.check_nobody_says_it(log)


async def under_kills(
    cluster: Cluster,
    post: Callable[[int], Awaitable[None]],
    come_late: Callable[[], Awaitable[None]],
    kills: dict[int, str],
) -> None:
    """All posts, by the clock: they go on while somebody is killed and started again."""

    turn = asyncio.Lock()  # where one process is both the server and the writer

    async def kill_and_start(name: str) -> None:
        async with turn:
            await cluster.kill(name)
            await cluster.start(name)

    async with asyncio.TaskGroup() as tasks:
        begun_at = time.monotonic()
        for number in range(POSTS):
            due_s = begun_at + number / RATE - time.monotonic()
            await asyncio.sleep(max(due_s, 0))  # the rate, not a wait
            tasks.create_task(post(number))  # type: ignore[arg-type]
            if number % RATE == RATE // 2:
                tasks.create_task(come_late())  # type: ignore[arg-type]
            if number in kills:
                tasks.create_task(kill_and_start(kills[number]))


class Load:
    """Posts, and removals of some of them. told, removed: by the comment's number, what the calls
    were answered.
    """

    def __init__(
        self, cluster: Cluster, session: aiohttp.ClientSession, comments: Comments
    ) -> None:
        self._cluster, self._comments = cluster, comments
        self.moderator = Moderator(cluster, session, comments.video_id)
        self._replies = Replies(cluster, session, comments.video_id, self.moderator)
        self.told: dict[int, dict[str, Any]] = {}
        self.removed: dict[int, dict[str, Any]] = {}

    async def post(self, number: int) -> None:
        """One comment. If it is removed, no writer says it from the reply on."""
        key = secrets.token_hex(8)
        _, comment = await post_until_told(self._comments, f"word-{number}-end", key)
        self.told[comment["seq"]] = comment
        if comment["seq"] % ONE_OF == 7:
            self.removed[comment["seq"]] = await self.moderator.remove(comment["seq"])
            asked = [self._check_writer(at, comment, key) for at in writers(self._cluster)]
            await asyncio.gather(*asked)

    async def _check_writer(self, at: str, comment: dict[str, Any], key: str) -> None:
        epoch, seq, text = comment["id"].split("-")[0], comment["seq"], comment["text"]
        assert text not in await self._replies.near(at, epoch, seq)
        status, problem = await post_until_told(self._comments, text, key, at=at)
        assert (status, problem["code"]) == (410, "removed")

    def check_log(self, log: list[dict[str, Any]]) -> None:
        """Dense; each comment and each notice once, as its caller was told."""
        assert [entry["seq"] for entry in log] == list(range(1, len(log) + 1))
        assert len(self.told) == POSTS
        assert len(self.removed) >= POSTS // ONE_OF - 2
        notices = {notice["seq"]: notice for notice in self.removed.values()}
        assert len(log) == POSTS + len(notices)
        for entry in log:
            if entry.get("type") == "tombstone":
                assert entry["seq"] in self.removed
            else:
                assert entry == {**self.told, **notices}[entry["seq"]]
        for seq, notice in self.removed.items():
            assert (notice["targets"], notice["by"]) == ([seq], "moderator")

    def check_screen(self, shown: list[dict[str, Any]], log: list[dict[str, Any]]) -> None:
        """Each entry once, in order; what was removed later may have been shown before."""
        assert [entry["seq"] for entry in shown] == [entry["seq"] for entry in log]
        for entry, stored in zip(shown, log, strict=True):
            assert entry == stored or (
                stored.get("type") == "tombstone" and entry == self.told[entry["seq"]]
            )

    async def check_nobody_says_it(self, log: list[dict[str, Any]]) -> None:
        """No writer, ever; nor a server, as soon as it has the last notice."""
        epoch, head = log[0]["id"].split("-")[0], len(log)
        words = [self.told[seq]["text"] for seq in self.removed]
        for at in writers(self._cluster):
            said = await self._replies.whole(at, epoch, head)
            assert not [word for word in words if word in said], at
            for seq in self.removed:
                assert (await self.moderator.read(f"/comments/{seq}", at=at))[0] == 410
        for at in servers(self._cluster):
            async with asyncio.timeout(20 * TIMEOUT_FACTOR):
                shown = await self._replies.stream(at, epoch, head)
                while any(word in str(shown.events) for word in words):
                    shown = await self._replies.stream(at, epoch, head)
            assert entries_of(shown) == log
