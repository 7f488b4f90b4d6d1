"""Our JavaScript client on pages that are frozen, hang, are hidden, or wake up."""

from __future__ import annotations

import secrets

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
ASLEEP_S = 60.0
LONGER_THAN_A_POST_IS_TRIED_S = 150.0
ALONE = {"shareTabs": False}


async def caught_up(load: Load, *tabs: Tab, within_s: float = 20.0) -> None:
    acked = load.acked
    await eventually(lambda: all(tab.head >= acked for tab in tabs), within_s)


@pytest.mark.parametrize("how", ["frozen", "hanging"])
async def test_another_tab_takes_over_from_a_leader_that_says_nothing(
    cluster: Cluster, browser: Browser, pages: ClientPages, how: str
) -> None:
    """Frozen: it gives the lock away just before. Hanging: it cannot, and loses it."""
    async with Load(cluster.http_url, TRAFFIC) as load:
        url = pages.url(cluster.http_url, load.videos[0])
        async with opened(browser, url, url, url) as tabs:
            await all_live(*tabs)
            leader = tabs[0]
            await (leader.freeze() if how == "frozen" else leader.hang())
            await wait_out(ASLEEP_S / 3)
            await caught_up(load, *tabs[1:])
            await (leader.thaw() if how == "frozen" else leader.go_on())
            await caught_up(load, *tabs)
            await load.wait_for_posts(20)
            await eventually(lambda: all(tab.head >= load.acked - 5 for tab in tabs))
            await streams_by_node(cluster, 1)
            await settled(load, *tabs)


@pytest.mark.parametrize("client", [{}, ALONE], ids=["shared", "alone"])
async def test_a_tab_that_is_frozen_for_a_minute(
    cluster: Cluster, browser: Browser, pages: ClientPages, client: dict[str, bool]
) -> None:
    async with Load(cluster.http_url, TRAFFIC) as load:
        url = pages.url(cluster.http_url, load.videos[0], client=client)
        async with opened(browser, url) as (tab,):
            await all_live(tab)
            await tab.run("void post('before')")
            await tab.freeze()
            await wait_out(ASLEEP_S)
            await tab.thaw()
            await caught_up(load, tab)
            await eventually(lambda: tab.answers())
            assert tab.all_posted
            await settled(load, tab)


@pytest.mark.timeout(420 * TIMEOUT_FACTOR)
async def test_a_post_outlives_a_tab_that_is_frozen_for_longer_than_it_is_tried(
    cluster: Cluster, browser: Browser, pages: ClientPages
) -> None:
    writers = [part.name for part in cluster.parts if part.kind == "writer"]
    url = pages.url(cluster.http_url, secrets.token_hex(6))
    async with opened(browser, url) as (tab,):
        await all_live(tab)
        await tab.run("post('before').then(() => 0)")
        for name in writers:
            cluster.pause(name)
        await tab.run("void post('no answer yet')")
        await eventually(lambda: len(tab.shown) == 2)  # its echo
        await tab.freeze()
        await wait_out(LONGER_THAN_A_POST_IS_TRIED_S)
        for name in writers:
            cluster.resume(name)
        await tab.thaw()
        await eventually(lambda: len(tab.answers()) == 2, 90)
        assert tab.all_posted
        await eventually(lambda: tab.head == 2)
        assert tab.comments == [(1, "before"), (2, "no answer yet")]


async def test_a_hidden_tab_has_no_stream_and_comes_back_whole(
    cluster: Cluster, browser: Browser, pages: ClientPages
) -> None:
    async with Load(cluster.http_url, TRAFFIC) as load:
        options = {"pauseWhenHidden": True}
        url = pages.url(cluster.http_url, load.videos[0], options=options)
        async with opened(browser, url, url) as (first, second):
            await all_live(first, second)
            await first.hide()
            await eventually(lambda: first.state == ("closed", "hidden"))
            await caught_up(load, second)
            await second.hide()
            await eventually(lambda: second.state == ("closed", "hidden"))
            await streams_by_node(cluster, 0)
            await load.wait_for_posts(20)
            for tab in (first, second):
                await tab.show()
            await caught_up(load, first, second)
            await settled(load, first, second)


async def test_clocks_of_pages_may_be_set(
    cluster: Cluster, browser: Browser, pages: ClientPages
) -> None:
    async with Load(cluster.http_url, TRAFFIC) as load:
        url = pages.url(cluster.http_url, load.videos[0])
        async with opened(browser, url, url) as tabs:
            await all_live(*tabs)
            for off_ms in (3_600_000, -3_600_000):
                for tab in tabs:
                    await tab.run(
                        f"(() => {{ const now = Date.now; Date.now = () => now() + {off_ms}; }})()"
                    )
                await wait_out(12)
                await caught_up(load, *tabs)
            await settled(load, *tabs)
            for tab in tabs:
                assert [told["state"] for told in tab.named("state")] == ["connecting", "live"]
