"""Our JavaScript client on two nodes behind HAProxy: what it missed, and what ends meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cluster.cluster import Cluster
from cluster.issuer import DevelopmentIssuer
from cluster.new_epoch import renew_cluster_epoch
from cluster.servers.install import find_browser
from rtms_node.resume import DEFAULT_REPLAY
from tests.browser import running_browser
from tests.clusters import running
from tests.e2e.conftest import Shape
from tests.e2e.contract import Comments, writers
from tests.e2e.moderator import Moderator
from tests.e2e.parts import streams_by_node
from tests.e2e.test_js_tabs import all_live
from tests.packages.js.node_client import NO_NODE, NODE, NodeClient
from tests.packages.js.pages import ClientPages, opened
from tests.packages.js.told import assert_whole
from tests.support import TIMEOUT_FACTOR, eventually

SMALL = True
pytestmark = [
    pytest.mark.skipif(NODE is None, reason=NO_NODE),
    pytest.mark.timeout(400 * TIMEOUT_FACTOR),
]
LIMIT = 1_000  # a viewer who is further behind is told of a gap
MOST_FILLED = 5_000  # entries that the client reads for one gap
CLOSED = {"READ_AUTH": "required", "TICKET_HOURS": "0.01"}  # 36 s
ENDS_WITHIN_S = 45.0
TABS = 3


async def away(client: NodeClient, comments: Comments, count: int) -> None:
    """It has seen two comments, and is closed while so many more come."""
    await comments.many(2)
    await eventually(lambda: client.head == 2)
    client.order("close")
    await eventually(lambda: client.state[0] == "closed")
    await comments.many(count)


async def test_a_gap_that_is_filled(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    comments = Comments(cluster, session)
    moderator = Moderator(cluster, session, comments.video_id)
    async with NodeClient(cluster.http_url, comments.video_id) as client:
        await away(client, comments, LIMIT + 50)
        await moderator.remove(2)
        await moderator.remove(7)
        client.order("open")
        await eventually(lambda: client.head == LIMIT + 54, 60)
        (gap,) = client.named("gap")
        assert (gap["from"], gap["reason"], gap["filled"]) == (3, "limit", True)
        stored = await moderator.log()
        told = [1, 2, *(one["seq"] for one in stored if "text" in one and one["seq"] > 2)]
        assert [seq for seq, _ in client.comments] == told
        await eventually(lambda: client.shown and client.shown[-1][0] == LIMIT + 52)
        assert not {2, 7} & {seq for seq, *_ in client.shown}


async def test_a_gap_that_is_not_filled_while_the_writers_are_away(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    """What was on the screen stays there until the newest can be read."""
    comments = Comments(cluster, session)
    async with NodeClient(cluster.http_url, comments.video_id) as client:
        await away(client, comments, MOST_FILLED + LIMIT + 50)
        head = MOST_FILLED + LIMIT + 52
        assert [seq for seq, *_ in client.shown] == [1, 2]
        await asyncio.gather(*(cluster.kill(name) for name in writers(cluster)))
        client.order("open")
        # The nodes tell of the gap from memory, or when they can ask a writer again.
        before = len(client.events)
        await eventually(lambda: len(client.events) > before)
        assert client.shown, "the screen is empty"
        await asyncio.gather(*(cluster.start(name) for name in writers(cluster)))
        await eventually(lambda: client.head == head, 90)
        gaps = client.named("gap")
        assert [gap["filled"] for gap in gaps] == [False]
        await eventually(lambda: client.shown[-1][0] == head, 30)
        assert all(args[0] for event, args in client.events if event == "shown")
        numbers = [seq for seq, *_ in client.shown]
        assert numbers == list(range(numbers[0], head + 1))
        assert numbers[0] > 2


async def test_what_was_removed_while_it_was_away(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    comments = Comments(cluster, session)
    moderator = Moderator(cluster, session, comments.video_id)
    async with NodeClient(cluster.http_url, comments.video_id) as client:
        await away(client, comments, 3)
        for seq in (1, 4):
            await moderator.remove(seq)
        client.order("open")
        await eventually(lambda: client.head == 7)
        await eventually(lambda: [seq for seq, *_ in client.shown] == [2, 3, 5])
        assert [one["targets"] for one in client.named("removed")] == [[1], [4]]


async def test_another_store_is_a_reset(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    comments = Comments(cluster, session)
    async with NodeClient(cluster.http_url, comments.video_id) as client:
        await comments.many(1)
        await Moderator(cluster, session, comments.video_id).call("PUT", "/pin", {"seq": 1})
        await comments.many(DEFAULT_REPLAY)
        head = 2 + DEFAULT_REPLAY
        await eventually(lambda: client.head == head)
        await asyncio.gather(*(cluster.stop(name) for name in writers(cluster)))
        _, new = await renew_cluster_epoch(cluster.runtime, cluster.plan())
        await asyncio.gather(*(cluster.start(name) for name in writers(cluster)))
        await eventually(lambda: client.named("reset"), 60)
        # Straight at a writer: the gateway may not have seen yet that they are back.
        status, _ = await comments.post("the first there", at=writers(cluster)[0])
        assert status == 201
        await eventually(lambda: client.head == head + 1, 60)
        assert client.named("reset") == [{"reason": "epoch"}]
        assert client.named("cursor")[-1]["cursor"] == f"{new}-{head + 1}"
        await eventually(lambda: [seq for seq, *_ in client.shown] == [*range(3, head + 2)])
        # What lies before the replay is told once more: it may be another pin.
        await eventually(
            lambda: [one["comment"]["seq"] for one in client.named("pinned")] == [1, 1]
        )


@pytest.mark.skipif(find_browser() is None, reason="no Chromium")
async def test_tabs_that_share_a_stream_outlive_its_ticket(
    shape: Shape, tmp_path: Path, page_port: int, session: aiohttp.ClientSession
) -> None:
    origin = {"CORS_ORIGINS": f"http://127.0.0.1:{page_port}"}
    async with (
        running(shape.create("js-tickets", tmp_path, CLOSED | origin)) as cluster,
        ClientPages(page_port) as pages,
        running_browser(tmp_path / "profile") as browser,
    ):
        issuer = DevelopmentIssuer.load(cluster.folder.issuer)
        token = issuer.token({"sub": "ann", "name": "Ann"}, {}, 600)
        client: dict[str, Any] = {"token": token}
        comments = Comments(cluster, session)
        url = pages.url(cluster.http_url, comments.video_id, client=client)
        async with opened(browser, *[url] * TABS) as tabs:
            await all_live(*tabs)
            await streams_by_node(cluster, 1)
            for end in (1, 2):
                await comments.many(2)
                await eventually(
                    lambda end=end: tabs[0].reasons.count("expired") == end, ENDS_WITHIN_S
                )
                await comments.many(2)
                await all_live(*tabs)
            for tab in tabs:
                await eventually(lambda tab=tab: tab.head == 8)
                assert_whole(tab, [{"seq": seq, "text": text} for seq, text in tabs[0].comments])
                assert [seq for seq, _ in tab.comments] == list(range(1, 9))
                assert set(tab.reasons) <= {"", "expired"}
            await streams_by_node(cluster, 1)
