"""Carries a schedule out: injects, holds, heals, and notes when what may have been observed.

The health of every part is looked at before each step; a part that is not whole then is a bug of
its own, for every fault is healed before the next step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from cluster.parts import Kind
from tests.chaos.cluster_under_test import ClusterUnderTest
from tests.chaos.fault_catalogue import CATALOGUE
from tests.chaos.fault_injection import Injection, inject, long_calm, outlast
from tests.chaos.faults import Fault
from tests.chaos.load import Load
from tests.chaos.schedule import WARM_UP_S, Step, Strike

_AFTERWARDS_S = 1.0


class Nemesis:
    """Strikes a cluster under a load."""

    def __init__(
        self, under_test: ClusterUnderTest, load: Load, tell: Callable[[str], None] = lambda _: None
    ):
        self._under_test, self._load, self._tell = under_test, load, tell
        self.injected = 0

    async def run(self, steps: Sequence[Step]) -> None:
        """All of the schedule, and a calm at its end that is long enough to see what was left."""
        await asyncio.sleep(WARM_UP_S)
        for step in steps:
            await asyncio.sleep(step.calm_s)
            await self.wait_whole()
            self._tell(str(step))
            faults = [
                CATALOGUE[one.fault].build(self._under_test, one.targets) for one in step.strikes
            ]
            try:
                injections = await asyncio.gather(*map(self._strike, step.strikes, faults))
            except BaseException:
                await self._heal_all(faults)
                raise
            await outlast(self._load.history, injections, _AFTERWARDS_S)
        await self.wait_whole()
        await long_calm(self._load.history)

    async def wait_whole(self) -> None:
        """Every part is ready. Raises StepFailed."""
        for part in self._under_test.cluster.parts:
            await self._under_test.cluster.wait_ready(part.name)

    async def _strike(self, strike: Strike, fault: Fault) -> Injection:
        await asyncio.sleep(strike.after_s)
        injection = await inject(
            fault, strike.hold_s, joins_wait=CATALOGUE[strike.fault].joins_wait
        )
        self.injected += 1
        return injection

    async def _heal_all(self, faults: Sequence[Fault]) -> None:
        await asyncio.gather(*(fault.heal() for fault in faults), return_exceptions=True)


def names_of(under_test: ClusterUnderTest) -> dict[Kind, list[str]]:
    """The parts of the cluster by kind, as a schedule wants them."""
    return {kind: under_test.names(kind) for kind in Kind}
