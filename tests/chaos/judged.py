"""A judged load below the floor of the rows: for what many viewers would only blur."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.chaos.call_log import CallLog
from tests.chaos.cluster_under_test import ClusterUnderTest
from tests.chaos.history import History
from tests.chaos.judge import judge
from tests.chaos.judge_counts import counts_in_calm
from tests.chaos.load import Load
from tests.chaos.rows import note
from tests.chaos.traffic import Shape
from tests.chaos.verdict import PROMISES


async def conclude(name: str, load: Load) -> History:
    """What was observed is noted under `name`; nothing may be wrong in the whole history."""
    history = await load.finish()
    note(name, history)
    verdict = judge(history)
    assert verdict.broken == [], verdict.text()
    return history


@asynccontextmanager
async def judged(
    under_test: ClusterUnderTest,
    shape: Shape,
    *,
    name: str,
    url: str = "",
    settle_s: float = 20.0,
    but: tuple[str, ...] = (),
) -> AsyncIterator[Load]:
    """At the end all promises must have been looked at, and hold, without those in `but`. What was
    observed of troubles is noted under `name`. `url`: where clients call, if not at the gateway.
    """
    with CallLog(under_test.cluster) as calls:
        async with Load.on(under_test.cluster, shape, url=url) as load:
            yield load
            history = await load.finish(settle_s)
        history.forwards = calls.forwards
    note(name, history)
    verdict = judge(history)
    wanted = [promise for promise in PROMISES if promise not in but]
    assert [promise for promise in wanted if not verdict.ledger.judged[promise]] == [], "not judged"
    # What is demanded at any time is looked at in every run: it says nothing of counts in calm.
    assert "P9" in but or not history.counted or counts_in_calm(history), "P9: no count in calm"
    assert [line for line in verdict.broken if not line.startswith(but)] == [], verdict.text()
