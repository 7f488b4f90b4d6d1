"""Carries a schedule out: injects, holds, heals, and notes when what may have been felt.

The health of every part is looked at before each step; a part that is not whole then is a bug of
its own, for every fault is healed before the next step.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from cluster.parts import Kind
from tests.chaos.faults import Fault, Scene
from tests.chaos.history import Trouble
from tests.chaos.load import Load
from tests.chaos.menu import MENU
from tests.chaos.schedule import WARM_UP_S, Step, Strike
from tests.support import TIMEOUT_FACTOR

_AFTERWARDS_S = 1.0


class Nemesis:
    """Strikes a scene under a load."""

    def __init__(self, scene: Scene, load: Load, tell: Callable[[str], None] = lambda _: None):
        self._scene, self._load, self._tell = scene, load, tell
        self.injected = 0

    async def run(self, steps: Sequence[Step]) -> None:
        """All of the schedule."""
        await asyncio.sleep(WARM_UP_S)
        for step in steps:
            await asyncio.sleep(step.calm_s)
            await self.wait_whole()
            self._tell(str(step))
            faults = [MENU[one.fault].build(self._scene, one.targets) for one in step.strikes]
            began_at = time.monotonic()
            try:
                ends = await asyncio.gather(*map(self._strike, step.strikes, faults))
            except BaseException:
                await self._heal_all(faults)
                raise
            over_at = self._note(faults, began_at, ends)
            await asyncio.sleep(max(over_at - time.monotonic(), 0.0) + _AFTERWARDS_S)
        await self.wait_whole()

    async def wait_whole(self) -> None:
        """Every part is ready. Raises StepFailed."""
        for part in self._scene.cluster.parts:
            await self._scene.cluster.wait_ready(part.name)

    async def _strike(self, strike: Strike, fault: Fault) -> tuple[float, float]:
        """When it had been injected, and when it was healed."""
        await asyncio.sleep(strike.after_s)
        await fault.inject()
        injected_at = time.monotonic()
        self.injected += 1
        await asyncio.sleep(strike.hold_s)
        await fault.heal()
        return injected_at, time.monotonic()

    async def _heal_all(self, faults: Sequence[Fault]) -> None:
        await asyncio.gather(*(fault.heal() for fault in faults), return_exceptions=True)

    def _note(
        self, faults: Sequence[Fault], began_at: float, ends: Sequence[tuple[float, float]]
    ) -> float:
        """Add the troubles; when the last of them is over."""
        alone = len(faults) == 1
        troubles = []
        for fault, (injected_at, healed_at) in zip(faults, ends, strict=True):
            ended_at = injected_at if alone and not fault.lasts else healed_at
            bound_s = sum(one.bound_s for one in faults) * TIMEOUT_FACTOR
            only_routes = all(one.only_routes for one in faults)
            troubles.append(Trouble(fault.title, began_at, ended_at, bound_s, only_routes))
        self._load.history.troubles += troubles
        return max(trouble.over_at for trouble in troubles)


def names_of(scene: Scene) -> dict[Kind, list[str]]:
    """The parts of the scene by kind, as a schedule wants them."""
    return {kind: scene.names(kind) for kind in Kind}
