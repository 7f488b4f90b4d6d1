"""How fast the pages are: `python -m tests.pages.measure first` and `... steady`.

    first    the first comment on a slow line (1.6 Mbit/s down, 150 ms), through a gateway, and the
             sizes of the scripts
    steady   frames and memory while comments come: both pages (--page embed for one), at 50 and at
             500 a second (--rate 50 for one), 10 minutes each (MINUTES=2 for less)

Prints figures, and each beside its limit; the exit status is 1 if one is over it. They depend on
the machine: let nothing else run.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cluster.cluster import Cluster
from cluster.issuer import DevelopmentIssuer
from cluster.settings import Settings
from pages.assets import load_assets, script_of
from pages.documents import EMBED, MAX_SCRIPT_BYTES, MODERATE, PAGES
from tests.browser import Browser, Page, running_browser
from tests.clusters import post_comment, running
from tests.pages.looks import STATE
from tests.pages.moderating import sign_in
from tests.pages.speed import FIRST_MS, WATCH, Posting, Verdict, judge, watch

RUNS = 7
RATES = (50.0, 500.0)
SAMPLE_S = 20.0
LEAST_SAMPLES = 6  # two of each third
VIDEO = "v1"
SIZES = {EMBED: (400, 700), MODERATE: (1440, 900)}
_LINE = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6e6 / 8,
    "uploadThroughput": 0.75e6 / 8,
}


async def first(browser: Browser, cluster: Cluster) -> list[Verdict]:
    """Nothing is kept from one run to the next."""
    verdicts = []
    for n in range(60):
        await post_comment(cluster, VIDEO, f"comment {n}")
    for name, base in (("HTTP/1.1", cluster.http_url), ("HTTPS, HTTP/2", cluster.https_url)):
        found = [await _first_ms(browser, f"{base}/embed/{VIDEO}") for _ in range(RUNS)]
        print(f"first comment, {name}: at most {max(found):.0f} ms of {RUNS}")
        verdicts.append(Verdict(f"first comment, {name}, ms", statistics.median(found), FIRST_MS))
    for page in PAGES:
        script = load_assets(PAGES).files[script_of(page)]
        line = len(script.gzipped or script.body)
        print(f"script of {page}: {len(script.body):,} bytes unpacked")
        verdicts.append(Verdict(f"script of {page} on the line, bytes", line, MAX_SCRIPT_BYTES))
    return verdicts


async def _first_ms(browser: Browser, url: str) -> float:
    page = await watched(browser)
    await page.call("Network.emulateNetworkConditions", **_LINE)
    await page.go_to(url)
    await page.until("window.first_ms > 0")
    found: float = await page.evaluate("window.first_ms")
    await browser.call("Target.closeTarget", targetId=page.target_id)
    return found


async def steady(
    browser: Browser, cluster: Cluster, name: str, rate: float, minutes: float
) -> list[Verdict]:
    """One page at one rate."""
    print(f"\n{name}, {rate:.0f} comments a second, {minutes:g} minutes")
    page = await opened(browser, cluster, name)
    posting = Posting(f"{cluster.http_url}/v1/videos/{VIDEO}/comments", rate)
    samples = await watch(
        page, posting, SAMPLE_S, max(LEAST_SAMPLES, round(minutes * 60 / SAMPLE_S))
    )
    await browser.call("Target.closeTarget", targetId=page.target_id)
    return judge(samples, posting)


async def opened(browser: Browser, cluster: Cluster, name: str) -> Page:
    """A page that watches itself, live; the moderators' one as somebody who is signed in."""
    page = await watched(browser)
    await page.look_like(*SIZES[name])
    await page.go_to(f"{cluster.http_url}/{name}/{VIDEO}")
    if name == MODERATE:
        issuer = DevelopmentIssuer.load(cluster.folder.issuer)
        who = {"sub": "mo-1", "name": "Mo"}
        await sign_in(page, issuer.token(who, {VIDEO: ["moderator"]}, 12 * 3600))
    await page.until(STATE, "live")
    return page


async def watched(browser: Browser) -> Page:
    """A tab that notes its frames."""
    page = await browser.open("about:blank", apart=True)
    await page.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
    return page


@asynccontextmanager
async def everything(folder: Path) -> AsyncIterator[tuple[Browser, Cluster]]:
    """A small cluster, and a browser that trusts it."""
    small = dataclasses.replace(Settings("pages"), nodes=1, dispatchers=1, writers=1)
    async with running(Cluster.create(small, folder)) as cluster:
        certificate = cluster.folder.gateway / "cert.pem"
        async with running_browser(folder / "profile", certificate) as browser:
            yield browser, cluster


async def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.pages.measure")
    parser.add_argument("what", choices=("first", "steady"))
    parser.add_argument("--page", choices=PAGES)
    parser.add_argument("--rate", type=float)
    asked = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    verdicts = []
    with tempfile.TemporaryDirectory() as name:
        async with everything(Path(name)) as (browser, cluster):
            if asked.what == "first":
                verdicts = await first(browser, cluster)
            else:
                minutes = float(os.environ.get("MINUTES", "10"))
                for page in (asked.page,) if asked.page else PAGES:
                    for rate in (asked.rate,) if asked.rate else RATES:
                        found = await steady(browser, cluster, page, rate, minutes)
                        print(*found, sep="\n")
                        verdicts += found
    print("\n", *verdicts, sep="\n")
    return 0 if all(each.good for each in verdicts) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
