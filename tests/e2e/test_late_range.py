"""A range that a writer has read before a removal, and that reaches its node after it."""

from __future__ import annotations

import secrets
from pathlib import Path

import aiohttp
import pytest

from cluster.cluster import Cluster
from tests.chaos.history import Watch
from tests.chaos.links import Links
from tests.clusters import running
from tests.e2e.conftest import Shape
from tests.e2e.contract import watching
from tests.e2e.moderator import Moderator
from tests.e2e.parts import figure
from tests.support import eventually
from tests.tcp_proxy import Direction, TcpProxy

SMALL = True
RUNTIMES = ("local",)  # whose links can be held up
NODE, COMMENTS, REMOVED = "node-1", 300, 150
SECRET = "VERYSECRET"
TRIES = 5
PADDING = "x" * 400
HELD_BYTES = 65536  # of the range reply; nothing else that is asked is so long
HOPS = (f"{NODE}>writer-*",)
FAILED = "livecomments_failed_reads_total"
FORWARDED = "livecomments_received_total"


def hold(proxy: TcpProxy) -> None:
    """Requests pass, replies wait."""
    proxy.blackhole(frozenset({Direction.TO_CLIENT}))


def held(links: Links) -> int:
    return max(links.proxies[hop].held_bytes for hop in links.find(*HOPS))


class Attempt:
    """A video of its own, whose 150th comment is removed while the range is on its way."""

    def __init__(self, cluster: Cluster, links: Links, session: aiohttp.ClientSession) -> None:
        self._cluster, self._links, self._session = cluster, links, session
        self._video = secrets.token_hex(6)
        self._moderator = Moderator(cluster, session, self._video)
        self._posted = 0

    async def run(self) -> bool:
        """Whether the reply that was held has arrived; it may have been given up, on a slow
        machine.
        """
        epoch = await self._fill()
        async with watching(self._cluster, self._video, "replay=0", at=NODE) as early:
            await self._post_until_forwarded()
            await eventually(lambda: early.place == self._posted)
            failed = await figure(self._cluster, NODE, FAILED)
            await self._links.act(self._links.find(*HOPS), hold)
            query = f"last_event_id={epoch}-0"
            try:
                async with watching(self._cluster, self._video, query, at=NODE) as late:
                    await eventually(lambda: held(self._links) >= HELD_BYTES)
                    await self._moderator.remove(REMOVED)
                    await eventually(lambda: early.place == self._posted + 1)
                    await self._links.heal()
                    await eventually(lambda: late.place == self._posted + 1)
            finally:
                await self._links.heal()
            arrived = await figure(self._cluster, NODE, FAILED) == failed
        judge(late, self._posted)
        return arrived

    async def _fill(self) -> str:
        """The epoch of the store."""
        for seq in range(1, COMMENTS + 1):
            comment_id = await self._post(f"{SECRET if seq == REMOVED else seq} {PADDING}")
        return comment_id.partition("-")[0]

    async def _post_until_forwarded(self) -> None:
        """While replies wait, a removal comes only by a forward: the node has to be registered."""
        before = await figure(self._cluster, NODE, FORWARDED)
        while await figure(self._cluster, NODE, FORWARDED) == before:
            await self._post("early")

    async def _post(self, text: str) -> str:
        """Its id."""
        url = f"{self._cluster.http_url}/v1/videos/{self._video}/comments"
        async with self._session.post(url, json={"author": "ann", "text": text}) as reply:
            assert reply.status == 201
            comment_id: str = (await reply.json())["id"]
        self._posted += 1
        return comment_id


def judge(late: Watch, comments: int) -> None:
    """It has all, once and in order, and not the text."""
    wanted = ["hello", *["comment"] * comments, "removed"]
    wanted[REMOVED] = "tombstone"
    types = [event.type for event in late.events if event.type not in ("viewers", "state")]
    assert types == wanted
    assert SECRET not in str([event.data for event in late.events])


async def test_a_late_range_brings_no_removed_text_to_any_viewer(
    shape: Shape, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    cluster = shape.create("late", tmp_path, {"DRAIN_NOTICE_S": "0"})
    with Links(cluster) as links:
        async with running(cluster):
            for _ in range(TRIES):
                if await Attempt(cluster, links, session).run():
                    return
            pytest.fail("the node gave up each range that was held")
