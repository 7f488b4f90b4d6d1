"""One audience on one size of cluster: it comes, is measured, and leaves no trace."""

from __future__ import annotations

import array
import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bench.child import BenchFailed, Child
from bench.figures import percentile
from bench.topologies.plan import Plan
from bench.topologies.posts import post_all
from bench.topologies.readings import read
from bench.topologies.results import Heal, Sample, difference, heal_of
from bench.topologies.serving import fetch_fullest, serving_parts, wait_empty
from bench.topologies.zipf import Zipf
from cluster.cluster import Cluster
from cluster.parts import Kind

_KILL_AFTER_S = 1.0
_FAREWELL_PER_S = 200.0


class Step:
    """`exponent` says how the viewers are spread; the comments are the same for all of them. Each
    method raises BenchFailed or ClusterError.
    """

    def __init__(self, plan: Plan, cluster: Cluster, viewers: Child, exponent: float) -> None:
        self._plan, self._cluster, self._viewers = plan, cluster, viewers
        self._exponent = exponent
        self._port = cluster.part(Kind.HAPROXY).ports["http"]
        prefix = secrets.token_hex(3)  # an audience of before must not be remembered by anybody
        self._videos = [f"{prefix}-{number}" for number in range(plan.videos)]
        self._watched = Zipf(plan.videos, exponent, plan.seed).choose(plan.viewers)
        self._comments = Zipf(plan.videos, plan.exponent, plan.seed + 1)
        self._idle: dict[str, float] = {}  # CPU of this audience while nobody posts

    async def open(self) -> None:
        """The viewers come, once those of before have gone."""
        await wait_empty(self._cluster)
        await self._tell("open", self._port, [self._videos[video] for video in self._watched])
        await asyncio.sleep(self._plan.settle_s)
        self._idle = await self._idle_cpu()

    async def usual(self) -> Sample:
        """Comments on all videos."""
        return await self._sample(self._comments.choose(self._plan.comments), self._plan.per_s)

    async def burst(self) -> Sample:
        """Comments on the hottest video alone."""
        return await self._sample([0] * self._plan.burst_comments, self._plan.burst_per_s)

    async def heal(self) -> Heal:
        """Kill the fullest node (the only process: and start it again) while comments come."""
        plan, cluster = self._plan, self._cluster
        name = await fetch_fullest(cluster)
        await self._tell("forget_ends")
        videos = self._comments.choose(plan.heal_comments)
        posting = asyncio.ensure_future(self._post(videos, plan.heal_per_s))
        try:
            await asyncio.sleep(_KILL_AFTER_S)
            killed_ns = time.monotonic_ns()
            await cluster.kill(name)
            if cluster.part(name).kind is Kind.SINGLE:
                await cluster.start(name)
            await posting
        finally:
            posting.cancel()
        ended, pairs = await self._tell("take_after_ends")
        await cluster.start(name)
        return heal_of(ended, _integers(pairs), killed_ns)

    async def close(self) -> None:
        """The viewers leave. A last comment on each video has the gateway write to them, and notice
        it; else it would do so with the next heartbeat.
        """
        await self._tell("close")
        watched = [self._videos[video] for video in sorted(set(self._watched))]
        await post_all(self._port, watched, _FAREWELL_PER_S)

    async def _sample(self, videos: Sequence[int], per_s: float) -> Sample:
        before, began = await read(self._cluster), time.monotonic()
        late_ms = await self._post(videos, per_s)
        seconds, after = time.monotonic() - began, await read(self._cluster)
        cpu_s, totals = difference(before, after, self._idle, seconds)
        return Sample(
            nodes=len(serving_parts(self._cluster)),
            exponent=self._exponent,
            watched=len(set(self._watched)),
            comments=len(videos),
            **{
                name: totals[name]
                for name in ("messages", "received", "not_subscribed", "deliveries", "repairs")
            },
            held=after.held,
            cpu_s=cpu_s,
            idle_cpu=self._idle,
            rss_mib={role: size / 2**20 for role, size in after.rss_bytes.items()},
            p50_ms=percentile(late_ms, 50),
            p99_ms=percentile(late_ms, 99),
        )

    async def _idle_cpu(self) -> dict[str, float]:
        """CPU seconds a second of each role while nobody posts."""
        before = await read(self._cluster)
        await asyncio.sleep(self._plan.idle_s)
        after = await read(self._cluster)
        return {
            role: (after.cpu_s[role] - before.cpu_s[role]) / self._plan.idle_s
            for role in after.cpu_s
        }

    async def _post(self, videos: Sequence[int], per_s: float) -> list[float]:
        """Milliseconds of lateness of every delivery of comments on these videos."""
        viewers = Counter(self._watched)
        expected = sum(viewers[video] for video in videos)
        if not expected:
            raise BenchFailed("nobody watches a video that is commented on")
        await post_all(self._port, [self._videos[video] for video in videos], per_s)
        late = _integers(await self._tell("take", expected))
        if len(late) != expected:
            raise BenchFailed(f"{len(late)} deliveries, expected {expected}")
        return [ns / 1e6 for ns in late]

    async def _tell(self, command: str, *args: object) -> Any:
        """Have the audience do something, without blocking who posts."""
        return await asyncio.to_thread(self._viewers.ask, command, *args)


def _integers(raw: bytes) -> array.array[int]:
    found = array.array("q")
    found.frombytes(raw)
    return found
