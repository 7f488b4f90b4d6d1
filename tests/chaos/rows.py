"""One row of docs/faults.md: a load above the floor, one fault, a verdict, and what was felt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cluster.folder import CHECKOUT
from tests.chaos.call_log import CallLog
from tests.chaos.faults import Fault, Scene
from tests.chaos.floor import Floor
from tests.chaos.history import History, Trouble
from tests.chaos.judge import judge
from tests.chaos.judge_times import felt_s
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.support import TIMEOUT_FACTOR

THOUSAND = Shape(viewers=1_000, videos=60, hot_viewers=0.2)
# Every measured row is added here; the table in docs/faults.md is made from it by hand.
FIGURES = CHECKOUT / ".livecomments" / "bounds.txt"
_WARM_UP_S = 5.0
_AFTERWARDS_S = 2.0


@dataclass(slots=True)
class Row:
    """A running load on a scene. `strike` may be called several times."""

    name: str
    scene: Scene
    load: Load

    async def strike(self, fault: Fault, hold_s: float) -> None:
        """Inject, hold, heal, and wait until nothing of it may be felt any more."""
        began_at = time.monotonic()
        await fault.inject()
        injected_at = time.monotonic()
        await asyncio.sleep(hold_s)
        await fault.heal()
        ended_at = time.monotonic() if fault.lasts else injected_at
        bound_s = fault.bound_s * TIMEOUT_FACTOR
        trouble = Trouble(fault.title, began_at, ended_at, bound_s, fault.only_routes)
        self.load.history.troubles.append(trouble)
        await asyncio.sleep(max(trouble.over_at - time.monotonic(), 0.0) + _AFTERWARDS_S)


@asynccontextmanager
async def row(
    name: str, scene: Scene, shape: Shape | None = None, floor: Floor | None = None
) -> AsyncIterator[Row]:
    """`async with row("T01", scene) as it: await it.strike(...)`; asserts at the end that the
    history is good, and notes the bounds.
    """
    with CallLog(scene.cluster) as calls:
        async with Load(scene.cluster.http_url, shape or Shape(), seed=name) as load:
            await asyncio.sleep(_WARM_UP_S)
            yield Row(name, scene, load)
            history = await load.finish()
        history.forwards = calls.forwards
    history.nodes = scene.cluster.settings.nodes
    note(name, history)
    verdict = judge(history, floor or Floor())
    assert verdict.good, verdict.text() + "\n" + "\n".join(verdict.broken)


def note(name: str, history: History) -> None:
    """Add what was measured to FIGURES."""
    FIGURES.parent.mkdir(exist_ok=True)
    with FIGURES.open("a") as file:
        for trouble, felt in felt_s(history):
            told = f"{name} {trouble.name}: X {trouble.bound_s:.1f} s, felt {felt:.1f} s"
            print(told)
            file.write(told + "\n")
