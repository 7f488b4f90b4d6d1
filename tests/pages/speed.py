"""How fast a page is while comments come, and what it may take: figures of a real browser, and a
judgement of them.

The limits are those of the design: a script of 60 KB on the line, the first comment within a second
on a slow line, frames below 100 ms, and memory that does not grow. On a machine that does other
things too, times are judged by a larger limit (`busy`); sizes, memory and nodes never are.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp

from tests.browser import Page

FRAME_MS = 100.0
FIRST_MS = 1000.0
GROWTH = 1.15  # of what is held, from the second third of a run to the last: the first fills it
RATE = 1 / 0.9  # of what was asked for to what was posted: else nothing was shown
LOOKS = 5  # at what is held: between a collection and a look comments come and go
BUSY = 4.0  # what a machine may do besides
# In the page from its beginning: when the first comment can be seen, and how long frames take.
WATCH = """
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
NEWEST = "Number([...document.querySelectorAll('#log .said')].at(-1)?.textContent.split(' ')[1])"
# A frame is as long as the time to the next one; CPU of the page's main thread is in ms
# a second; then KiB of JavaScript's heap, and nodes of the document.
HEADINGS = "\n".join(
    (
        "seconds    rows   frame,     ms,      ms   frames  CPU, ms     KiB   nodes  newest",
        "                 median    99 %   worst >= 100  a second    heap           posted  shown",
    )
)


@dataclass(frozen=True, slots=True)
class Sample:
    """Of some seconds; times in ms, but for `seconds`, which is since the beginning."""

    seconds: float
    rows: int
    median_ms: float
    p99_ms: float
    worst_ms: float
    long: int
    busy_ms: float
    heap_kib: float
    nodes: int
    posted: int
    shown: int

    def __str__(self) -> str:
        figures = (getattr(self, name) for name in self.__slots__)
        return " ".join(f"{each:>7.0f}" for each in figures)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A figure beside its limit: the ratio must be at most 1."""

    name: str
    value: float
    limit: float

    @property
    def good(self) -> bool:
        return self.value <= self.limit

    def __str__(self) -> str:
        ratio = self.value / self.limit
        said = "ok" if self.good else "TOO MUCH"
        return f"{self.name:<42} {self.value:>10,.2f} of {self.limit:>8,.2f}  {ratio:5.2f}  {said}"


@dataclass(slots=True)
class Posting:
    """Comments at a rate, whatever the replies take."""

    url: str
    rate: float
    asked: int = 0
    posted: int = 0
    newest: int = -1
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Until it is cancelled."""
        begun = time.monotonic()
        async with aiohttp.ClientSession() as session:
            for n in range(sys.maxsize):
                await asyncio.sleep(max(0, begun + n / self.rate - time.monotonic()))
                self.asked += 1
                task = asyncio.create_task(self._post(session, n))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _post(self, session: aiohttp.ClientSession, n: int) -> None:
        body = {"author": f"viewer {n % 97}", "text": f"comment {n} " + "word " * (n % 40)}
        # At the end, and where more is asked for than can be had, some are refused.
        with contextlib.suppress(aiohttp.ClientError):
            async with session.post(self.url, json=body) as reply:
                await reply.read()
                if reply.status == 201:
                    self.posted += 1
                    self.newest = max(self.newest, n)


async def watch(page: Page, posting: Posting, every_s: float, count: int) -> list[Sample]:
    """Figures of a page while comments are posted, each printed when it is there."""
    samples: list[Sample] = []
    await page.call("Performance.enable", timeDomain="threadTicks")
    running = asyncio.create_task(posting.run())
    begun = time.monotonic()
    busy_s = await _busy_s(page)
    print(HEADINGS)
    for at in range(1, count + 1):
        await page.evaluate("frames_ms.length = long_ms.length = 0")
        await asyncio.sleep(max(0, begun + at * every_s - time.monotonic()))
        now_s = await _busy_s(page)
        busy_ms = (now_s - busy_s) * 1000 / every_s
        busy_s = now_s
        samples.append(await _sample(page, time.monotonic() - begun, busy_ms, posting))
        print(samples[-1])
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return samples


async def _busy_s(page: Page) -> float:
    metrics = (await page.call("Performance.getMetrics"))["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


async def _sample(page: Page, seconds: float, busy_ms: float, posting: Posting) -> Sample:
    frames = sorted(await page.evaluate("frames_ms.splice(0)"))
    long = await page.evaluate("long_ms.filter((ms) => ms >= 100).length")
    shown = await page.evaluate(f"{NEWEST} || 0")
    rows = await page.evaluate("document.querySelectorAll('#log .comment').length")
    held = [await _held(page) for _ in range(LOOKS)]
    heap, nodes = (min(each) for each in zip(*held, strict=True))
    times = [frames[len(frames) // 2], frames[len(frames) * 99 // 100], frames[-1]]
    return Sample(
        seconds, rows, times[0], times[1], times[2], long, busy_ms, heap, nodes,
        posted=posting.newest, shown=shown,
    )  # fmt: skip


async def _held(page: Page) -> tuple[float, int]:
    await page.call("HeapProfiler.collectGarbage")
    heap = (await page.call("Runtime.getHeapUsage"))["usedSize"] / 1024
    return heap, (await page.call("Memory.getDOMCounters"))["nodes"]


def judge(samples: Sequence[Sample], posting: Posting, *, busy: float = 1) -> list[Verdict]:
    """Of a run in which something was posted all the time."""
    third = len(samples) // 3
    second, last = samples[third : 2 * third], samples[-third:]

    def growth(name: str) -> float:
        first, end = (
            statistics.median(getattr(each, name) for each in part) for part in (second, last)
        )
        return float(end / first)

    return [
        Verdict("posts asked for, to those stored", posting.asked / max(1, posting.posted), RATE),
        Verdict("median frame, ms", max(each.median_ms for each in samples), FRAME_MS * busy),
        Verdict(
            "99 % of frames, ms (median of the samples)",
            statistics.median(each.p99_ms for each in samples),
            FRAME_MS * busy,
        ),
        Verdict(
            "posted and not shown yet, s (median)",
            statistics.median(each.posted - each.shown for each in samples) / posting.rate,
            busy,
        ),
        Verdict("heap: last third to second", growth("heap_kib"), GROWTH),
        Verdict("nodes: last third to second", growth("nodes"), GROWTH),
        Verdict("rows", max(each.rows for each in samples), 200),
    ]
