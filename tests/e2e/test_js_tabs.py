"""Our JavaScript client on pages of Chromium: one stream for all tabs, whole and in order."""

from __future__ import annotations

import asyncio

import pytest

from cluster.cluster import Cluster
from cluster.servers.install import find_browser
from tests.browser import Browser
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.e2e.parts import streams_by_node
from tests.packages.js.pages import ClientPages, Tab, opened
from tests.packages.js.told import settled
from tests.support import eventually

pytestmark = pytest.mark.skipif(
    find_browser() is None, reason="no Chromium (`livecomments install --tests` brings it)"
)
TRAFFIC = Shape(viewers=0, videos=1, rate=20, churn_s=0)
TABS = 7  # one more than a browser has connections to an origin over HTTP/1.1


async def all_live(*tabs: Tab) -> None:
    await eventually(lambda: all(tab.named("state")[-1:] for tab in tabs))
    await eventually(lambda: all(tab.state[0] == "live" for tab in tabs), 30)


async def test_seven_tabs_have_one_stream_and_the_next_takes_over(
    cluster: Cluster, browser: Browser, pages: ClientPages
) -> None:
    async with Load(cluster.http_url, TRAFFIC) as load:
        await load.wait_for_posts(5)
        url = pages.url(cluster.http_url, load.videos[0])
        async with opened(browser, *[url] * TABS) as tabs:
            await all_live(*tabs)
            await streams_by_node(cluster, 1)
            await tabs[3].run("post('from a tab')")
            await eventually(lambda: any("from a tab" in text for _, text in tabs[6].comments))
            await tabs[0].close()
            await load.wait_for_posts(5)
            acked = load.acked
            await eventually(lambda: all(tab.head >= acked for tab in tabs[1:]))
            await streams_by_node(cluster, 1)
            await settled(load, *tabs[1:])


async def test_the_page_among_the_examples(
    cluster: Cluster, browser: Browser, pages: ClientPages
) -> None:
    page = await browser.open(pages.example(cluster.http_url, "example"))
    await page.evaluate(
        "form.elements.author.value = 'ann'; form.elements.text.value = '<b>hi</b>';"
        "form.requestSubmit()"
    )
    shown = "[state.textContent, comments.textContent, comments.querySelectorAll('*').length]"
    while await page.evaluate(shown) != ["live", "ann: <b>hi</b>", 1]:
        await asyncio.sleep(0.05)


async def test_a_page_shows_what_was_posted_once(
    cluster: Cluster, browser: Browser, pages: ClientPages
) -> None:
    url = pages.url(cluster.http_url, "echoes", client={"shareTabs": False})
    async with opened(browser, url) as (tab,):
        await all_live(tab)
        for number in range(20):
            await tab.run(f"void post('words {number % 5}')")
        await eventually(lambda: len(tab.answers()) == 20)
        await eventually(lambda: [item[0] for item in tab.shown] == list(range(1, 21)))
        for _, (items,) in (event for event in tab.events if event[0] == "shown"):
            assert len(items) <= 20
