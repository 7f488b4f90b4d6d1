"""Faults: small things with `inject` and `heal`, and what may be felt of each for how long.

Law: a fault acts through `Cluster` (processes or containers alike) and through `Links`, never on
its own. `bound_s` is X of docs/faults.md: so long after the fault something may be late or refused.
A fault that `lasts` may be felt until it is healed and X longer; one that does not is over as soon
as it has been injected, because the others take over. `only_routes`: viewers and posts must feel
nothing at all of it; merely P6 waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from cluster import zookeeper
from cluster.cluster import Cluster
from cluster.parts import Kind
from cluster.runtime import Condition
from tests.chaos.links import Links
from tests.support import TIMEOUT_FACTOR
from tests.tcp_proxy import BOTH, Bend, Direction, TcpProxy

_LOOK_EVERY_S = 0.05
_DIES_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Scene:
    """What faults act on. `links` is None where no proxies were placed."""

    cluster: Cluster
    links: Links | None = None

    def names(self, kind: Kind) -> list[str]:
        """All parts of a kind."""
        return [part.name for part in self.cluster.parts if part.kind is kind]

    async def find_leader(self) -> str:
        """The ZooKeeper server that leads (or stands alone); the first one if nobody says so."""
        servers = [part for part in self.cluster.parts if part.kind is Kind.ZOOKEEPER]
        for part in servers:
            address = self.cluster.address(part.name, "client")
            if await zookeeper.fetch_mode(*address) in ("leader", "standalone"):
                return part.name
        return servers[0].name


@dataclass(slots=True)
class Fault:
    """The common part; `title` is what reports say."""

    scene: Scene
    targets: Sequence[str]
    bound_s: float = 5.0
    lasts: bool = False
    only_routes: bool = False

    @property
    def title(self) -> str:
        """Kind and targets."""
        return f"{type(self).__name__.lower()} {' '.join(self.targets)}"

    async def inject(self) -> None:
        """Make it happen; returns when it has."""
        raise NotImplementedError

    async def heal(self) -> None:
        """Undo it; returns when every part is ready again."""
        await self._start_all()

    async def _start_all(self) -> None:
        cluster = self.scene.cluster
        await asyncio.gather(*(cluster.start(name) for name in self.targets))


@dataclass(slots=True)
class Kill(Fault):
    """SIGKILL, all targets at once; started again by `heal`."""

    async def inject(self) -> None:
        """See Fault."""
        await asyncio.gather(*(self.scene.cluster.kill(name) for name in self.targets))


@dataclass(slots=True)
class KillLeader(Fault):
    """The leader of the ZooKeeper ensemble, whichever it is then."""

    async def inject(self) -> None:
        """See Fault."""
        self.targets = [await self.scene.find_leader()]
        await self.scene.cluster.kill(self.targets[0])


@dataclass(slots=True)
class Pause(Fault):
    """SIGSTOP: sockets stay open, nothing is answered."""

    async def inject(self) -> None:
        """See Fault."""
        for name in self.targets:
            self.scene.cluster.pause(name)

    async def heal(self) -> None:
        """See Fault."""
        for name in self.targets:
            self.scene.cluster.resume(name)
        for name in self.targets:
            await self.scene.cluster.wait_ready(name)


@dataclass(slots=True)
class Stop(Fault):
    """Asked to end, in a hurry."""

    async def inject(self) -> None:
        """See Fault."""
        await asyncio.gather(*(self.scene.cluster.stop(name) for name in self.targets))


@dataclass(slots=True)
class Drain(Fault):
    """Asked to hand over and end."""

    async def inject(self) -> None:
        """See Fault."""
        for name in self.targets:
            assert await self.scene.cluster.drain(name), f"{name} had to be killed"


@dataclass(slots=True)
class Rolling(Fault):
    """Every process is drained and started again, one after the other."""

    pause_s: float = 2.0

    async def inject(self) -> None:
        """See Fault."""
        cluster = self.scene.cluster
        for name in self.targets:
            assert await cluster.drain(name), f"{name} had to be killed"
            await cluster.start(name)
            await asyncio.sleep(self.pause_s)

    async def heal(self) -> None:
        """It has healed itself."""


@dataclass(slots=True)
class Crash(Fault):
    """A process that dies at a failpoint, under load, on its own."""

    point: str = ""

    @property
    def title(self) -> str:
        """See Fault."""
        return f"crash {' '.join(self.targets)} at {self.point}"

    async def inject(self) -> None:
        """See Fault."""
        cluster = self.scene.cluster
        (name,) = self.targets
        await cluster.stop(name)
        cluster.set_environment(name, FAILPOINT=self.point)
        try:
            await cluster.start(name, wait=False)
            async with asyncio.timeout(_DIES_WITHIN_S * TIMEOUT_FACTOR):
                while cluster.condition(name) is Condition.RUNNING:
                    await asyncio.sleep(_LOOK_EVERY_S)
        finally:
            cluster.set_environment(name, FAILPOINT="")


@dataclass(slots=True)
class Partition(Fault):
    """Cut off from everybody, running on; where the runtime has networks of its own."""

    async def inject(self) -> None:
        """See Fault."""
        for name in self.targets:
            await asyncio.to_thread(self.scene.cluster.partition, name)

    async def heal(self) -> None:
        """See Fault."""
        for name in self.targets:
            await asyncio.to_thread(self.scene.cluster.heal, name)
        for name in self.targets:
            await self.scene.cluster.wait_ready(name)


@dataclass(slots=True)
class LinkFault(Fault):
    """Something about hops; `targets` are patterns of hops."""

    async def heal(self) -> None:
        """See Fault."""
        await self._each(TcpProxy.heal)

    async def _each(self, act) -> None:  # type: ignore[no-untyped-def]
        links = self.scene.links
        assert links is not None, "this cluster has no proxies"
        await links.act(links.find(*self.targets), act)


@dataclass(slots=True)
class Cut(LinkFault):
    """Connections are reset and refused."""

    async def inject(self) -> None:
        """See Fault."""
        await self._each(TcpProxy.cut)


@dataclass(slots=True)
class Hold(LinkFault):
    """Nothing passes, and nobody is told: packets are dropped, both ways or one way."""

    directions: frozenset[Direction] = BOTH

    async def inject(self) -> None:
        """See Fault."""
        await self._each(lambda proxy: proxy.blackhole(self.directions))


@dataclass(slots=True)
class Bent(LinkFault):
    """Slow, narrow or sliced links."""

    shape: Bend = field(default_factory=lambda: Bend(latency_s=0.075, jitter_s=0.05))

    async def inject(self) -> None:
        """See Fault."""
        await self._each(lambda proxy: proxy.bend(self.shape))


@dataclass(slots=True)
class Flaky(LinkFault):
    """Connections are reset, or one reply is lost, again and again."""

    every_s: float = 0.5
    loses_replies: bool = False
    _task: asyncio.Task[None] | None = None

    async def inject(self) -> None:
        """See Fault."""
        self._task = asyncio.create_task(self._again_and_again())

    async def heal(self) -> None:
        """See Fault."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await LinkFault.heal(self)

    async def _again_and_again(self) -> None:
        while True:
            await self._each(TcpProxy.lose_reply if self.loses_replies else TcpProxy.reset)
            await asyncio.sleep(self.every_s)


@dataclass(slots=True)
class Outages(LinkFault):
    """Held for `away_s`, open for `back_s`, and so on; over when the last of `times` has ended."""

    times: int = 5
    away_s: float = 8.0
    back_s: float = 4.0

    async def inject(self) -> None:
        """See Fault."""
        for number in range(self.times):
            await asyncio.sleep(self.back_s if number else 0.0)
            await self._each(TcpProxy.blackhole)
            await asyncio.sleep(self.away_s)
            await self._each(TcpProxy.heal)


@dataclass(slots=True)
class Throttle(Fault):
    """A process gets a tenth of its time, by stopping it again and again."""

    period_s: float = 0.5
    _task: asyncio.Task[None] | None = None

    async def inject(self) -> None:
        """See Fault."""
        self._task = asyncio.create_task(self._starve())

    async def heal(self) -> None:
        """See Fault."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for name in self.targets:
            self.scene.cluster.resume(name)
        for name in self.targets:
            await self.scene.cluster.wait_ready(name)

    async def _starve(self) -> None:
        cluster = self.scene.cluster
        while True:
            for name in self.targets:  # it waits until the process stands still
                await asyncio.to_thread(cluster.pause, name)
            await asyncio.sleep(0.9 * self.period_s)
            for name in self.targets:
                cluster.resume(name)
            await asyncio.sleep(0.1 * self.period_s)
