"""One row of docs/faults.md: a load above the floor, one fault, a verdict, and its impact."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cluster.folder import CHECKOUT
from tests.bounds import record
from tests.chaos import evidence
from tests.chaos.call_log import CallLog
from tests.chaos.cluster_under_test import ClusterUnderTest
from tests.chaos.fault_injection import inject, long_calm, outlast
from tests.chaos.faults import Fault
from tests.chaos.figures import moderation
from tests.chaos.floor import Floor
from tests.chaos.history import History
from tests.chaos.judge import judge
from tests.chaos.judge_times import impact_s
from tests.chaos.load import Load
from tests.chaos.traffic import Shape

THOUSAND = Shape(viewers=1_000, videos=60, hot_viewers=0.2)
FOLDER = CHECKOUT / ".livecomments" / "chaos"
FLOOR = Floor(faults=0)  # some rows strike with what their viewers do
_WARM_UP_S = 5.0
_AFTERWARDS_S = 2.0


@dataclass(slots=True)
class Row:
    """A running load on a cluster under test. `strike` may be called several times."""

    name: str
    under_test: ClusterUnderTest
    load: Load

    async def strike(self, fault: Fault, hold_s: float, *, joins_wait: bool = False) -> None:
        """Inject, hold, heal, and wait until nothing of it may be observed any more. `joins_wait`:
        see Trouble.
        """
        injection = await inject(fault, hold_s, joins_wait=joins_wait)
        await outlast(self.load.history, [injection], _AFTERWARDS_S)


@asynccontextmanager
async def row(
    name: str, under_test: ClusterUnderTest, shape: Shape | None = None, floor: Floor | None = None
) -> AsyncIterator[Row]:
    """`async with row("T01", under_test) as it: await it.strike(...)`; asserts at the end that the
    history is good, and notes the bounds. What failed is kept as by `make chaos`.
    """
    folder = FOLDER / name.replace(" ", "-")
    evidence.make_room(folder)
    load = Load.on(under_test.cluster, shape, seed=name)
    load.history.nodes = under_test.cluster.settings.nodes
    try:
        with CallLog(under_test.cluster) as calls:
            load.history.forwards = calls.forwards  # it grows
            async with load:
                await asyncio.sleep(_WARM_UP_S)
                yield Row(name, under_test, load)
                await long_calm(load.history)
                await load.finish()
    finally:
        evidence.save(load.history, folder)
    note(name, load.history)
    verdict = judge(load.history, floor or FLOOR)
    told = "\n".join([verdict.text(), moderation(load.history), *verdict.broken])
    evidence.conclude(folder, told, good=verdict.good)
    if not verdict.good:
        shutil.copytree(under_test.cluster.folder.logs, folder / "logs", dirs_exist_ok=True)
    assert verdict.good, f"{told}\nhistory, report and logs: {folder}"


def note(name: str, history: History) -> None:
    """Add what was observed of each trouble to what was measured."""
    for trouble, seen_s in impact_s(history):
        record(f"{name} {trouble.name}: X {trouble.bound_s:.1f} s, impact {seen_s:.1f} s")
