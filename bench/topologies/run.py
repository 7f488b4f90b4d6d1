"""Measures topologies one after another, each on a cluster of its own that grows step by step."""

from __future__ import annotations

import array
import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from bench.child import BenchFailed, Child
from bench.figures import percentile
from bench.topologies import audience
from bench.topologies.plan import Plan, Variant
from bench.topologies.posts import post_all
from bench.topologies.readings import Reading, read
from bench.topologies.results import Latency, Measured, Sample, difference
from bench.topologies.zipf import Zipf
from cluster.cluster import Cluster
from cluster.errors import ClusterError, StepFailed
from cluster.parts import Kind

Say = Callable[[str], None]
Measure = Callable[[Plan, Variant, Path, Measured], Coroutine[None, None, None]]


async def measure(plan: Plan, variant: Variant, home: Path, measured: Measured) -> None:
    """Fill `measured` bit by bit, on a cluster of its own in the folder `home`. Raises BenchFailed
    or ClusterError.
    """
    steps = plan.steps if variant.grows else (1,)
    cluster = Cluster.create(variant.settings(1), home)
    try:
        with Child(audience.run) as viewers:
            for nodes in steps:
                cluster = Cluster.create(variant.settings(nodes), home)
                await cluster.up()
                is_main = nodes == plan.main_nodes or not variant.grows
                await _Step(plan, cluster, viewers, nodes).run(measured, is_main=is_main)
    finally:
        await cluster.clean()


def measure_all(
    plan: Plan, variants: Sequence[Variant], say: Say, measure: Measure = measure
) -> list[Measured]:
    """Each of `variants`; one that fails costs only itself, and says why."""
    found = []
    for variant in variants:
        began = time.monotonic()
        measured = Measured(variant.name, variant.label, variant.hops)
        found.append(measured)
        with TemporaryDirectory(prefix="livecomments-compare-") as home:
            try:
                uvloop.run(measure(plan, variant, Path(home), measured))
            except (BenchFailed, ClusterError, OSError) as exc:
                measured.failure = str(exc) or repr(exc)
                say(f"{variant.name}: not measured: {measured.failure}")
                if isinstance(exc, StepFailed):
                    say(exc.log_tail)
        say(f"{variant.name}: {time.monotonic() - began:.0f} s")
    return found


class _Step:
    """One size of cluster, with an audience that comes for it alone."""

    def __init__(self, plan: Plan, cluster: Cluster, viewers: Child, nodes: int) -> None:
        self._plan, self._cluster, self._viewers, self._nodes = plan, cluster, viewers, nodes
        self._port = cluster.part(Kind.HAPROXY).ports["http"]
        prefix = secrets.token_hex(3)  # an audience of before must not be remembered by anybody
        self._videos = [f"{prefix}-{number}" for number in range(plan.videos)]
        self._zipf = Zipf(plan.videos, plan.exponent, plan.seed)
        self._watched = self._zipf.choose(plan.viewers)
        self._idle: dict[str, float] = {}  # CPU of this audience while nobody posts

    async def run(self, measured: Measured, *, is_main: bool) -> None:
        """Everything that is measured at this size. Raises BenchFailed."""
        plan = self._plan
        await self._tell("open", self._port, [self._videos[video] for video in self._watched])
        await asyncio.sleep(plan.settle_s)
        self._idle = await self._idle_cpu()
        sample = await self._sample(self._zipf.choose(plan.comments), plan.per_s)
        measured.samples.append(sample)
        if is_main:
            measured.main = sample
            hot = [0] * plan.burst_comments
            measured.burst = await self._sample(hot, plan.burst_per_s)
            measured.heal = await self._heal()
        await self._tell("close")

    async def _sample(self, videos: Sequence[int], per_s: float) -> Sample:
        before, began = await read(self._cluster), time.monotonic()
        late_ms = await self._post(videos, per_s)
        seconds, after = time.monotonic() - began, await read(self._cluster)
        cpu_s, totals = difference(before, after, self._idle, seconds)
        return Sample(
            nodes=self._nodes,
            comments=len(videos),
            **{
                name: totals[name]
                for name in ("messages", "received", "unwanted", "deliveries", "repairs")
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
        before: Reading = await read(self._cluster)
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
        await post_all(self._port, [self._videos[video] for video in videos], per_s)
        late = array.array("q")
        late.frombytes(await self._tell("take", expected))
        if len(late) != expected:
            raise BenchFailed(f"{len(late)} deliveries, expected {expected}")
        return [ns / 1e6 for ns in late]

    async def _heal(self) -> Latency:
        """Kill a node (the only process: and start it again) while comments come."""
        plan, cluster = self._plan, self._cluster
        posting = asyncio.ensure_future(
            self._post(self._zipf.choose(plan.heal_comments), plan.heal_per_s)
        )
        await asyncio.sleep(1.0)
        alone = not any(part.kind is Kind.NODE for part in cluster.parts)
        name = "single-1" if alone else "node-1"
        await cluster.kill(name)
        if alone:
            await cluster.start(name)
        latency = _latency(await posting)
        await cluster.start(name)
        return latency

    async def _tell(self, command: str, *args: object) -> bytes:
        """Have the audience do something, without blocking who posts."""
        answer: bytes = await asyncio.to_thread(self._viewers.ask, command, *args)
        return answer


def _latency(late_ms: list[float]) -> Latency:
    return Latency(percentile(late_ms, 50), percentile(late_ms, 99), max(late_ms))
