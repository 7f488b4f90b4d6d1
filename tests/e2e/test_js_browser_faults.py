"""Our JavaScript client on pages of Chromium while parts die, over HTTP/1.1 and over HTTP/2."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from cluster.cluster import Cluster
from cluster.servers.install import find_browser
from tests.browser import Browser
from tests.chaos.load import Load
from tests.e2e.parts import streams_by_node
from tests.e2e.test_js_tabs import TRAFFIC, all_live
from tests.packages.js.pages import ClientPages, Tab, opened
from tests.packages.js.told import settled
from tests.support import TIMEOUT_FACTOR, eventually, wait_out

pytestmark = [
    pytest.mark.skipif(
        find_browser() is None, reason="no Chromium (`livecomments install --tests` brings it)"
    ),
    pytest.mark.timeout(300 * TIMEOUT_FACTOR),
]
Outage = Callable[[Cluster], Coroutine[Any, Any, None]]
AWAY_S = 30.0
POSTS = 20
PACE_S = 0.5
# Each page has its own stream: they come from one origin, and would share it.
ALONE = {"shareTabs": False}


async def node_with_streams(cluster: Cluster) -> str:
    found = await streams_by_node(cluster, 2)
    return max(found, key=lambda name: found[name])


async def node_killed(cluster: Cluster) -> None:
    name = await node_with_streams(cluster)
    await cluster.kill(name)
    await wait_out(AWAY_S / 3)
    await cluster.start(name)


async def node_drained(cluster: Cluster) -> None:
    name = await node_with_streams(cluster)
    assert await cluster.drain(name)
    await cluster.start(name)


async def gateway_away(cluster: Cluster) -> None:
    await cluster.kill("haproxy")
    await wait_out(AWAY_S)
    await cluster.start("haproxy")


OUTAGES: dict[Outage, str] = {node_killed: "ended", node_drained: "drain", gateway_away: "ended"}


@pytest.mark.parametrize("outage", OUTAGES)
async def test_pages_live_through_an_outage_in_which_they_post(
    cluster: Cluster,
    browser: Browser,
    pages: ClientPages,
    outage: Outage,
) -> None:
    async with Load(cluster.http_url, TRAFFIC) as load:
        bases = (cluster.http_url, cluster.https_url)
        urls = [pages.url(base, load.videos[0], client=ALONE) for base in bases]
        async with opened(browser, *urls) as tabs:
            await all_live(*tabs)
            away = asyncio.create_task(outage(cluster))
            for number in range(POSTS):
                for tab, base in zip(tabs, bases, strict=True):
                    await tab.run(f"void post('{base} {number}')")
                await wait_out(PACE_S)
            await away
            await eventually(lambda: all(len(tab.answers()) == POSTS for tab in tabs), 60)
            await eventually(lambda: any(OUTAGES[outage] in tab.reasons for tab in tabs))
            await all_live(*tabs)
            await load.wait_for_posts(5)
            await settled(load, *tabs)
            for tab in tabs:
                each_once(tab, bases)
        assert protocols(tabs, bases) == ["http/1.1", "h2"]


def each_once(tab: Tab, bases: tuple[str, str]) -> None:
    """All posts of both pages are told once, and each of its own was answered."""
    assert tab.all_posted
    told = [text for _, text in tab.comments if text.startswith(bases)]
    assert sorted(told) == sorted(f"{base} {number}" for base in bases for number in range(POSTS))


def protocols(tabs: list[Tab], bases: tuple[str, str]) -> list[str]:
    """By which each page was answered."""
    found = []
    for tab, base in zip(tabs, bases, strict=True):
        answers = [each for url, each in tab.page.answers.items() if url.startswith(base)]
        found.append("+".join(sorted({protocol for each in answers for protocol, _ in each})))
    return found
