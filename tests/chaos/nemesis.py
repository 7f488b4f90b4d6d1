"""Carries a schedule out: injects, holds, heals, and notes when what may have been felt.

The health of every part is looked at before each step; a part that is not whole then is a bug of
its own, for every fault is healed before the next step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from cluster.parts import Kind
from tests.chaos.blow import Blow, deal, long_calm, outlast
from tests.chaos.faults import Fault
from tests.chaos.load import Load
from tests.chaos.menu import MENU
from tests.chaos.scene import Scene
from tests.chaos.schedule import WARM_UP_S, Step, Strike

_AFTERWARDS_S = 1.0


class Nemesis:
    """Strikes a scene under a load."""

    def __init__(self, scene: Scene, load: Load, tell: Callable[[str], None] = lambda _: None):
        self._scene, self._load, self._tell = scene, load, tell
        self.injected = 0

    async def run(self, steps: Sequence[Step]) -> None:
        """All of the schedule, and a calm at its end that is long enough to see what was left."""
        await asyncio.sleep(WARM_UP_S)
        for step in steps:
            await asyncio.sleep(step.calm_s)
            await self.wait_whole()
            self._tell(str(step))
            faults = [MENU[one.fault].build(self._scene, one.targets) for one in step.strikes]
            try:
                blows = await asyncio.gather(*map(self._strike, step.strikes, faults))
            except BaseException:
                await self._heal_all(faults)
                raise
            await outlast(self._load.history, blows, _AFTERWARDS_S)
        await self.wait_whole()
        await long_calm(self._load.history)

    async def wait_whole(self) -> None:
        """Every part is ready. Raises StepFailed."""
        for part in self._scene.cluster.parts:
            await self._scene.cluster.wait_ready(part.name)

    async def _strike(self, strike: Strike, fault: Fault) -> Blow:
        await asyncio.sleep(strike.after_s)
        blow = await deal(fault, strike.hold_s, joins_wait=MENU[strike.fault].joins_wait)
        self.injected += 1
        return blow

    async def _heal_all(self, faults: Sequence[Fault]) -> None:
        await asyncio.gather(*(fault.heal() for fault in faults), return_exceptions=True)


def names_of(scene: Scene) -> dict[Kind, list[str]]:
    """The parts of the scene by kind, as a schedule wants them."""
    return {kind: scene.names(kind) for kind in Kind}
