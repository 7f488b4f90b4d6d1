"""Chromium with nothing but `new EventSource`: whatever dies, it comes back by itself, whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from cluster.cluster import Cluster
from cluster.servers.install import find_browser
from tests.browser import Browser
from tests.chaos.history import Watch
from tests.chaos.judge import judge
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.e2e.watch_pages import PageServer, Screen
from tests.support import eventually

pytestmark = pytest.mark.skipif(
    find_browser() is None, reason="no Chromium (`livecomments install --tests` brings it)"
)
RATE = 50
BACK_WITHIN_S = 30.0


@pytest.fixture
async def pages(page_port: int) -> AsyncIterator[PageServer]:
    async with PageServer(page_port) as pages:
        yield pages


def streams_of(cluster: Cluster, videos: list[str]) -> dict[str, str]:
    """Each video over HTTP/1.1 and over HTTP/2; name -> URL."""
    bases = {"http": cluster.http_url, "https": cluster.https_url}
    return {
        f"{scheme} {video_id}": f"{base}/v1/videos/{video_id}/stream"
        for scheme, base in bases.items()
        for video_id in videos
    }


async def test_an_event_source_lives_through_every_outage_whole_and_in_order(
    cluster: Cluster, browser: Browser, pages: PageServer
) -> None:
    shape = Shape(viewers=0, videos=3, rate=RATE, churn_s=0)
    # Without a moderator: the pages listen for comments only, as those of today's clients.
    async with Load(cluster.http_url, shape) as load:
        streams = streams_of(cluster, load.videos)
        watches = {name: Watch(name.split()[1]) for name in streams}
        load.history.watches += watches.values()
        page = await browser.open(pages.watch(streams))
        screen = Screen(page, watches)
        await screen.wait_all_open(BACK_WITHIN_S)
        for outage in (node_killed, node_drained, all_nodes_killed, gateway_restarted):
            await load.wait_for_posts(RATE)
            async with load.trouble(outage.__name__, 0.0):
                await outage(cluster, screen)
                heads = heads_of(load)
                await screen.wait_all_at(heads, BACK_WITHIN_S)
            assert all(watch.fatal is None for watch in watches.values()), (outage, watches)
        history = await load.finish()
        states = await page.evaluate("Object.values(streams).map((one) => one.readyState)")
        await screen.close()
    assert judge(history).broken == []
    assert 2 not in states
    assert screen.errors >= 3 * len(streams)  # it did lose its connections
    for name, url in streams.items():
        assert page.answers[url] == {("h2" if name.startswith("https") else "http/1.1", 200)}


def heads_of(load: Load) -> dict[str, int]:
    """The newest number that was acknowledged, by video."""
    heads = dict.fromkeys(load.videos, 0)
    for post in load.history.posts:
        for call in post.acks:
            assert call.answer is not None
            heads[post.video_id] = max(heads[post.video_id], call.answer["seq"])
    return heads


def server_of(watch: Watch) -> str:
    hello = next(event for event in reversed(watch.events) if event.type == "hello")
    return str(hello.data["node_id"])


async def moved_away(screen: Screen, name: str, left: list[Watch]) -> None:
    await eventually(lambda: all(server_of(watch) != name for watch in left), BACK_WITHIN_S)


async def node_killed(cluster: Cluster, screen: Screen) -> None:
    name = server_of(next(iter(screen.watches.values())))
    left = [watch for watch in screen.watches.values() if server_of(watch) == name]
    await cluster.kill(name)
    await moved_away(screen, name, left)
    await cluster.start(name)


async def node_drained(cluster: Cluster, screen: Screen) -> None:
    name = server_of(next(iter(screen.watches.values())))
    left = {told: watch for told, watch in screen.watches.items() if server_of(watch) == name}
    assert await cluster.drain(name)
    await moved_away(screen, name, list(left.values()))
    # A container that starts brings a network interface, and Chromium then ends its HTTP/2
    # connections by itself (ERR_NETWORK_CHANGED): who was just coming back missed the bye.
    schemes = ("http ",) if cluster.settings.runtime == "docker" else ("http ", "https ")
    sent_away = [watch for told, watch in left.items() if told.startswith(schemes)]
    assert sent_away
    assert all(any(event.type == "bye" for event in watch.events) for watch in sent_away)
    await cluster.start(name)


async def all_nodes_killed(cluster: Cluster, screen: Screen) -> None:
    """The gateway's own answers have to keep the browser: it gets several of them."""
    nodes = [part.name for part in cluster.parts if part.kind == "node"]
    fault_at = time.monotonic()
    await asyncio.gather(*(cluster.kill(name) for name in nodes))

    def byes(watch: Watch) -> int:
        return sum(seen.event.type == "bye" and seen.at > fault_at for seen in watch.seen())

    watches = screen.watches.values()
    await eventually(lambda: all(byes(watch) >= 2 for watch in watches), BACK_WITHIN_S)
    await asyncio.gather(*(cluster.start(name) for name in nodes))


async def gateway_restarted(cluster: Cluster, screen: Screen) -> None:
    errors = screen.errors
    await cluster.kill("haproxy")
    # At least one attempt of each fails while nothing listens: the end itself, and a refusal.
    await eventually(lambda: screen.errors >= errors + 2 * len(screen.watches), BACK_WITHIN_S)
    await cluster.start("haproxy")


async def test_over_http_1_1_a_browser_opens_six_streams_and_over_http_2_all(
    cluster: Cluster, browser: Browser, pages: PageServer
) -> None:
    """T51: the limit is the browser's, for all its tabs together; HTTP/2 has none."""
    for base, opened, waiting in ((cluster.http_url, 6, 1), (cluster.https_url, 7, 0)):
        url = f"{base}/v1/videos/tabs/stream"
        tabs = [await browser.open(pages.watch({"one": f"{url}?tab={tab}"})) for tab in range(7)]
        while True:
            states = [
                await tab.evaluate("typeof streams == 'object' ? streams.one.readyState : 0")
                for tab in tabs
            ]
            if states.count(1) == opened:
                break
            await asyncio.sleep(0.05)
        assert states.count(0) == waiting
        for tab in tabs:
            await tab.call("Page.navigate", url="about:blank")


async def test_seven_tabs_share_one_stream_through_a_shared_worker(
    cluster: Cluster, browser: Browser, pages: PageServer
) -> None:
    async with Load(cluster.http_url, Shape(viewers=0, videos=1, rate=10, churn_s=0)) as load:
        stream = f"{cluster.http_url}/v1/videos/{load.videos[0]}/stream?replay=0"
        tabs = [await browser.open(pages.shared(stream)) for _ in range(7)]
        await load.wait_for_posts(5)
        shown = []
        for tab in tabs:
            while not (seen := await tab.evaluate("typeof seen == 'object' ? seen : []"))[5:]:
                await asyncio.sleep(0.05)
            shown.append(seen[:6])
    assert all(seen == shown[0] for seen in shown)
    assert [kind for kind, _ in shown[0]] == ["hello", *["comment"] * 5]
