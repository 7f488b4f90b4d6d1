"""Faults: small things with `inject` and `heal`, and what may be observed of each for how long.

Invariants: a fault acts through `Cluster` (processes or containers alike) and through `Links`,
never on its own. `bound_s` is X of docs/faults.md: so long after the fault something may be late or
refused. A fault that `lasts` may be observed until it is healed and X longer; one that does not is
over as soon as it has been injected, because the others take over. `only_routes`: viewers and posts
must feel nothing at all of it; merely P6 waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from cluster.runtime import Condition
from tests.chaos.cluster_under_test import ClusterUnderTest
from tests.support import TIMEOUT_FACTOR

_LOOK_EVERY_S = 0.05
_DIES_WITHIN_S = 60.0


@dataclass(slots=True)
class Fault:
    """The common part; `title` is what reports say."""

    under_test: ClusterUnderTest
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
        cluster = self.under_test.cluster
        await asyncio.gather(*(cluster.start(name) for name in self.targets))


@dataclass(slots=True)
class Kill(Fault):
    """SIGKILL, all targets at once; started again by `heal`."""

    async def inject(self) -> None:
        """See Fault."""
        await asyncio.gather(*(self.under_test.cluster.kill(name) for name in self.targets))


@dataclass(slots=True)
class KillLeader(Fault):
    """The leader of the ZooKeeper ensemble, whichever it is then."""

    async def inject(self) -> None:
        """See Fault."""
        self.targets = [await self.under_test.find_leader()]
        await self.under_test.cluster.kill(self.targets[0])


@dataclass(slots=True)
class Pause(Fault):
    """SIGSTOP: sockets stay open, nothing is answered."""

    async def inject(self) -> None:
        """See Fault."""
        for name in self.targets:
            self.under_test.cluster.pause(name)

    async def heal(self) -> None:
        """See Fault."""
        for name in self.targets:
            self.under_test.cluster.resume(name)
        for name in self.targets:
            await self.under_test.cluster.wait_ready(name)


@dataclass(slots=True)
class Stop(Fault):
    """Asked to end, in a hurry."""

    async def inject(self) -> None:
        """See Fault."""
        await asyncio.gather(*(self.under_test.cluster.stop(name) for name in self.targets))


@dataclass(slots=True)
class Drain(Fault):
    """Asked to hand over and end."""

    async def inject(self) -> None:
        """See Fault."""
        for name in self.targets:
            assert await self.under_test.cluster.drain(name), f"{name} had to be killed"


@dataclass(slots=True)
class Rolling(Fault):
    """Every process is drained and started again, one after the other."""

    pause_s: float = 2.0

    async def inject(self) -> None:
        """See Fault."""
        cluster = self.under_test.cluster
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
        cluster = self.under_test.cluster
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
            await asyncio.to_thread(self.under_test.cluster.partition, name)

    async def heal(self) -> None:
        """See Fault."""
        for name in self.targets:
            await asyncio.to_thread(self.under_test.cluster.heal, name)
        for name in self.targets:
            await self.under_test.cluster.wait_ready(name)


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
            self.under_test.cluster.resume(name)
        for name in self.targets:
            await self.under_test.cluster.wait_ready(name)

    async def _starve(self) -> None:
        cluster = self.under_test.cluster
        while True:
            for name in self.targets:  # it waits until the process stands still
                await asyncio.to_thread(cluster.pause, name)
            await asyncio.sleep(0.9 * self.period_s)
            for name in self.targets:
                cluster.resume(name)
            await asyncio.sleep(0.1 * self.period_s)
