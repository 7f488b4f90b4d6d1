"""From post to viewer through a whole cluster: HAProxy, writers, dispatchers, nodes, ZooKeeper.

An open loop: posts are due at fixed times and every time is counted from when a post was due, not
from when it could be sent; a system that stalls cannot make its own figures better by slowing down
who measures. Beside it, in the same run and as often as in every fifth post, a round trip to the
same HAProxy that HAProxy answers itself.
"""

from __future__ import annotations

import array
import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from bench import crowd
from bench.child import BenchFailed, Child
from bench.effort import Effort
from bench.figures import Beside, Finding, Measured, Row, measured, percentile
from bench.http_pool import HttpPool
from cluster.cluster import Cluster
from cluster.errors import ClusterError, StepFailed
from cluster.settings import Settings

ROOMS = 10
VIEWERS_PER_ROOM = 100
POSTS_PER_S = 100
POSTS = 500
WARM_UP_POSTS = 200
POSTS_PER_PING = 5
_DELIVERIES_PER_S = POSTS_PER_S * VIEWERS_PER_ROOM


@dataclass(frozen=True, slots=True)
class Run:
    """Milliseconds."""

    delivered: list[float]
    posted: list[float]
    pinged: list[float]


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    with TemporaryDirectory(prefix="livecomments-bench-") as home:
        try:
            runs = uvloop.run(_measure(Path(home), effort.repeats))
        except StepFailed as exc:
            raise BenchFailed(f"no cluster: {exc}\n{exc.log_tail}") from exc
        except ClusterError as exc:
            raise BenchFailed(f"no cluster: {exc}") from exc
    what = f"{_DELIVERIES_PER_S:,} deliveries/s in rooms of {VIEWERS_PER_ROOM}"
    for percent in (50, 99, 100):
        yield _row(f"post to viewer, {what}", runs, lambda run: run.delivered, percent)
    for percent in (50, 99):
        yield _row("post, round trip, same load", runs, lambda run: run.posted, percent)


def _row(figure: str, runs: list[Run], pick: Callable[[Run], list[float]], percent: int) -> Row:
    name = "max" if percent == 100 else f"p{percent}"
    ours = _percentiles([pick(run) for run in runs], percent)
    ping = _percentiles([run.pinged for run in runs], percent)
    return Row(f"{figure}: {name}", ours, limit=Beside(f"HAProxy's own reply: {name}", ping))


def _percentiles(runs: list[list[float]], percent: int) -> Measured:
    return measured([percentile(run, percent) for run in runs], "ms")


async def _measure(home: Path, repeats: int) -> list[Run]:
    cluster = Cluster.create(Settings(name="bench"), home)
    try:
        await cluster.up()
        port = cluster.part("haproxy").ports["http"]
        with Child(crowd.run) as viewers:
            videos = [f"bench-{room}" for room in range(ROOMS)]
            viewers.ask("open", port, videos * VIEWERS_PER_ROOM)
            load = _Load(port, viewers, videos)
            try:
                await load.run(WARM_UP_POSTS)
                return [await load.run(POSTS) for _ in range(repeats)]
            finally:
                await load.aclose()
    finally:
        await cluster.clean()


class _Load:
    """Posts over all rooms in turn, pings between them."""

    def __init__(self, port: int, viewers: Child, videos: list[str]) -> None:
        self._posts, self._pings = HttpPool(port), HttpPool(port)
        self._viewers, self._videos = viewers, videos

    async def run(self, posts: int) -> Run:
        """Post at the fixed rate; returns when all deliveries were seen. Raises BenchFailed."""
        posted, pinged = await asyncio.gather(
            _open_loop(posts, POSTS_PER_S, 0.0, self._post),
            # Between two posts: at the same moment they would only wait for each other.
            _open_loop(
                posts // POSTS_PER_PING,
                POSTS_PER_S / POSTS_PER_PING,
                0.5 / POSTS_PER_S,
                self._ping,
            ),
        )
        late = array.array("q")
        late.frombytes(self._viewers.ask("take", posts * VIEWERS_PER_ROOM))
        if len(late) != posts * VIEWERS_PER_ROOM:
            raise BenchFailed(f"{len(late)} deliveries of {posts} comments")
        return Run([ns / 1e6 for ns in late], posted, pinged)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._posts.aclose()
        await self._pings.aclose()

    async def _post(self, number: int, due_ns: int) -> None:
        video_id = self._videos[number % len(self._videos)]
        await self._posts.post(video_id, crowd.text_due(due_ns))

    async def _ping(self, _number: int, _due_ns: int) -> None:
        await self._pings.get("/healthz")


async def _open_loop(
    count: int, per_s: float, after_s: float, act: Callable[[int, int], Awaitable[None]]
) -> list[float]:
    """Milliseconds from when each was due to when it was done."""
    began_ns = time.monotonic_ns() + 50_000_000 + int(after_s * 1e9)

    async def one(number: int) -> float:
        due_ns = began_ns + int(number / per_s * 1e9)
        await asyncio.sleep((due_ns - time.monotonic_ns()) / 1e9)
        await act(number, due_ns)
        return (time.monotonic_ns() - due_ns) / 1e6

    return list(await asyncio.gather(*map(one, range(count))))
