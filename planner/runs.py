"""A real cluster under a load that the planner can predict.

Posts come by chance (Poisson) at a fixed mean rate, each for a video drawn by the same weights as
the viewers'. An open loop: a post is due at its time, whatever became of the one before.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.child import BenchFailed, Child
from bench.http_pool import HttpPool
from cluster.cluster import Cluster
from cluster.errors import ClusterError, StepFailed
from cluster.parts import Kind
from cluster.settings import Settings
from planner import audience
from planner.audience import Seen
from planner.demand import Demand
from planner.gauges import Reading, read
from planner.model import Shape

TEXT = "What a goal! " + "x" * 80
_SEED = 7
_REGISTERED_S = 1.0
_OWN_ZNODES = 10.0  # /, /zookeeper with its two, /livecomments, members and roles, videos


@dataclass(frozen=True, slots=True)
class Window:
    """What was read at the beginning and at the end of a phase."""

    before: Reading
    after: Reading
    seen_before: Seen
    seen_after: Seen

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.after.at - self.before.at

    def grown(self, stage: str, metric: str) -> float:
        """By how much a counter of all its processes grew (without the common prefix)."""
        name = f"{stage}.livecomments_{metric}"
        return self.after.counters.get(name, 0.0) - self.before.counters.get(name, 0.0)

    def rate(self, stage: str, metric: str) -> float:
        """The same in a second."""
        return self.grown(stage, metric) / self.seconds

    @property
    def znodes(self) -> float:
        """In ZooKeeper at the end, without its own."""
        return self.after.counters["zookeeper.zk_znode_count"] - _OWN_ZNODES

    @property
    def transactions(self) -> float:
        """Of ZooKeeper, per second: what changes together counts once."""
        name = "zookeeper.zk_cnt_updatelatency"
        return (self.after.counters[name] - self.before.counters[name]) / self.seconds

    def mean(self, stage: str, metric: str) -> float:
        """A gauge of all its processes, between the beginning and the end."""
        name = f"{stage}.livecomments_{metric}"
        return (self.after.counters.get(name, 0.0) + self.before.counters.get(name, 0.0)) / 2

    def cores(self, stage: str) -> float:
        """CPU of a stage."""
        return (self.after.cpu_s[stage] - self.before.cpu_s[stage]) / self.seconds

    @property
    def received(self) -> float:
        """Bytes per second that all viewers got."""
        return (self.seen_after.bytes - self.seen_before.bytes) / self.seconds


class RealRun:
    """One cluster with its viewers and those who post."""

    def __init__(self, cluster: Cluster, viewers: Child) -> None:
        self._cluster, self._viewers = cluster, viewers
        self._port = cluster.part("haproxy").ports["http"]
        self._random = random.Random(_SEED)

    def join(self, demand: Demand, *, evenly: bool = False) -> list[tuple[str, str]]:
        """Its viewers come, in an order drawn by chance, but the same in every run; `evenly`: as
        many for each video. For each viewer the video and the node.
        """
        names, weights = weighted_videos(demand)
        order = viewers_of(demand) if not evenly else names * int(demand.viewers // demand.videos)
        nodes = self._viewers.ask("open", self._port, names, weights, order)
        return list(zip(order, nodes, strict=True))

    def stay(self, mean_s: float) -> None:
        """From now on viewers are replaced after that time on average."""
        self._viewers.ask("stay", mean_s)

    async def phase(self, demand: Demand, seconds: float, *, at_once: int = 1) -> Window:
        """Post for that long, `at_once` posts at each moment that is drawn."""
        before, seen_before = await read(self._cluster), self._viewers.ask("seen")
        pool = HttpPool(self._port)
        try:
            await self._post(pool, demand, seconds, at_once)
        finally:
            await pool.aclose()
        after, seen_after = await read(self._cluster), self._viewers.ask("seen")
        return Window(before, after, seen_before, seen_after)

    async def joining(self, demand: Demand) -> Window:
        """From before its viewers come, as many for each video, until all is registered."""
        before, seen_before = await read(self._cluster), self._viewers.ask("seen")
        self.join(demand, evenly=True)
        await asyncio.sleep(_REGISTERED_S)
        return Window(before, await read(self._cluster), seen_before, self._viewers.ask("seen"))

    def zookeeper(self) -> tuple[int, int]:
        """Client port and process of the first ZooKeeper server. Raises BenchFailed."""
        part = next(part for part in self._cluster.parts if part.kind is Kind.ZOOKEEPER)
        pid = self._cluster.pid(part.name)
        if pid is None:
            raise BenchFailed(f"{part.name} does not run")
        return part.ports["client"], pid

    async def _post(self, pool: HttpPool, demand: Demand, seconds: float, at_once: int) -> None:
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        names, weights = weighted_videos(demand)
        sums = list(accumulate(weights))
        at = loop.time()
        async with asyncio.TaskGroup() as posts:
            while demand.comments_per_s:
                at += self._random.expovariate(demand.comments_per_s / at_once)
                if at >= ends:
                    break
                await asyncio.sleep(at - loop.time())
                for name in self._random.choices(names, cum_weights=sums, k=at_once):
                    posts.create_task(pool.post(name, TEXT))
        await asyncio.sleep(max(ends - loop.time(), 0.0))


def weighted_videos(demand: Demand) -> tuple[list[str], list[float]]:
    """The names of a demand's videos and their shares."""
    return [f"{demand.prefix}{rank}" for rank in range(1, demand.videos + 1)], [*demand.shares()]


def viewers_of(demand: Demand) -> list[str]:
    """For each viewer its video, as the viewers come."""
    names, weights = weighted_videos(demand)
    return random.Random(_SEED).choices(names, weights, k=int(demand.viewers))


@asynccontextmanager
async def real_run(shape: Shape) -> AsyncIterator[RealRun]:
    """A cluster of that shape in a temporary folder. Raises BenchFailed."""
    settings = Settings(
        name="plan",
        nodes=shape.nodes,
        dispatchers=shape.dispatchers,
        writers=shape.writers,
        zookeepers=shape.zookeepers,
        placement=shape.placement,
    )
    with TemporaryDirectory(prefix="livecomments-plan-") as home:
        cluster = Cluster.create(settings, Path(home))
        try:
            await cluster.up()
            with Child(audience.run) as viewers:
                yield RealRun(cluster, viewers)
        except StepFailed as exc:
            raise BenchFailed(f"no cluster: {exc}\n{exc.log_tail}") from exc
        except ClusterError as exc:
            raise BenchFailed(f"no cluster: {exc}") from exc
        finally:
            await cluster.clean()
