"""How fast the viewers' page is: `python -m tests.pages.measure first` and `... steady`.

    first    the first comment on a slow line (1.6 Mbit/s down, 150 ms), through a gateway
    steady   frames and memory while comments come at a rate (--rate 50 --minutes 10)

Prints figures and judges nothing: they depend on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from cluster.cluster import Cluster
from cluster.settings import Settings
from pages.assets import load_assets, script_of
from pages.documents import EMBED, PAGES
from tests.browser import Browser, Page, running_browser
from tests.clusters import post_comment, running

RUNS = 7
_LINE = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6e6 / 8,
    "uploadThroughput": 0.75e6 / 8,
}
# A frame is as long as the time to the next one; CPU of the page's main thread is in ms
# a second; then KiB of JavaScript's heap, and nodes of the document.
_HEADINGS = "\n".join(
    (
        " minute    rows   frame,     ms,      ms   frames  CPU, ms     KiB   nodes",
        "                 median    99 %   worst >= 100  a second    heap",
    )
)
# In the page from its beginning: when the first comment can be seen, and how long frames take.
_WATCH = """
window.frames_ms = []; window.long_ms = [];
new MutationObserver((_, observer) => {
  if (!document.querySelector('.comment')) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.first_ms = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
let last = 0;
const frame = (now) => {
  if (last) frames_ms.push(now - last);
  last = now;
  requestAnimationFrame(frame);
};
requestAnimationFrame(frame);
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) long_ms.push(duration);
}).observe({ type: 'long-animation-frame' });
"""


async def first(browser: Browser, cluster: Cluster) -> None:
    """Nothing is kept from one run to the next."""
    for n in range(60):
        await post_comment(cluster, "v1", f"comment {n}")
    for name, base in (("HTTP/1.1", cluster.http_url), ("HTTPS, HTTP/2", cluster.https_url)):
        found = [await _first_ms(browser, f"{base}/embed/v1") for _ in range(RUNS)]
        median, worst = statistics.median(found), max(found)
        print(f"first comment, {name}: {median:.0f} ms (median of {RUNS}), at most {worst:.0f} ms")
    script = load_assets(PAGES).files[script_of(EMBED)]
    print(f"script: {len(script.body):,} bytes, {len(script.gzipped or b''):,} on the line")


async def _first_ms(browser: Browser, url: str) -> float:
    page = await _watched(browser)
    await page.call("Network.emulateNetworkConditions", **_LINE)
    await page.go_to(url)
    await page.until("window.first_ms > 0")
    found: float = await page.evaluate("window.first_ms")
    await browser.call("Target.closeTarget", targetId=page.target_id)
    return found


async def steady(browser: Browser, cluster: Cluster, rate: float, minutes: float) -> None:
    """A line a minute."""
    page = await _watched(browser)
    await page.look_like(400, 700)
    await page.go_to(f"{cluster.http_url}/embed/v1")
    posting = asyncio.create_task(_post(cluster, rate))
    await page.call("Performance.enable", timeDomain="threadTicks")
    print(_HEADINGS)
    busy_s = 0.0
    for minute in range(1, round(minutes) + 1):
        await page.evaluate("frames_ms.length = long_ms.length = 0")
        await asyncio.sleep(60)
        metrics = await page.call("Performance.getMetrics")
        total_s = next(
            each["value"] for each in metrics["metrics"] if each["name"] == "TaskDuration"
        )
        await _report(page, minute, total_s - busy_s)
        busy_s = total_s
    posting.cancel()
    await asyncio.gather(posting, return_exceptions=True)


async def _report(page: Page, minute: int, busy_s: float) -> None:
    frames = sorted(await page.evaluate("frames_ms.splice(0)"))
    long = await page.evaluate("long_ms.filter((ms) => ms >= 100).length")
    await page.call("HeapProfiler.collectGarbage")
    heap = (await page.call("Runtime.getHeapUsage"))["usedSize"] / 1024
    dom = await page.call("Memory.getDOMCounters")
    rows = await page.evaluate("document.querySelectorAll('.comment').length")
    times = [frames[len(frames) // 2], frames[len(frames) * 99 // 100], frames[-1]]
    figures = [minute, rows, *times, long, busy_s / 60 * 1000, heap, dom["nodes"]]
    print(" ".join(f"{each:>7.0f}" for each in figures))


async def _post(cluster: Cluster, rate: float) -> None:
    """At this rate, whatever the replies take."""
    url = f"{cluster.http_url}/v1/videos/v1/comments"
    begun, tasks = time.monotonic(), set[asyncio.Task[None]]()
    async with aiohttp.ClientSession() as session:

        async def post(n: int) -> None:
            body = {"author": f"viewer {n % 97}", "text": f"comment {n} " + "word " * (n % 40)}
            # At the end, and where more is asked for than can be had, some are refused.
            with contextlib.suppress(aiohttp.ClientError):
                async with session.post(url, json=body) as reply:
                    await reply.read()

        for n in range(sys.maxsize):
            await asyncio.sleep(max(0, begun + n / rate - time.monotonic()))
            task = asyncio.create_task(post(n))
            tasks.add(task)
            task.add_done_callback(tasks.discard)


async def _watched(browser: Browser) -> Page:
    page = await browser.open("about:blank", apart=True)
    await page.call("Page.addScriptToEvaluateOnNewDocument", source=_WATCH)
    return page


@asynccontextmanager
async def _everything() -> AsyncIterator[tuple[Browser, Cluster]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = dataclasses.replace(Settings("pages"), nodes=1, dispatchers=1, writers=1)
        async with running(Cluster.create(small, folder)) as cluster:
            certificate = cluster.folder.gateway / "cert.pem"
            async with running_browser(folder / "profile", certificate) as browser:
                yield browser, cluster


async def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.pages.measure")
    parser.add_argument("what", choices=("first", "steady"))
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--minutes", type=float, default=10.0)
    asked = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    async with _everything() as (browser, cluster):
        if asked.what == "first":
            await first(browser, cluster)
        else:
            await steady(browser, cluster, asked.rate, asked.minutes)


if __name__ == "__main__":
    asyncio.run(main())
