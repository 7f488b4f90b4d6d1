"""T70, small: what `make chaos` does, in less than a minute, as part of `make chaos-all`."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.settings import Settings
from tests.chaos.run import ENVIRONMENT, Orders, run

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


async def test_a_seeded_mix_of_crashes_breaks_no_promise(tmp_path: Path) -> None:
    faults = ("node-kill", "writer-crash", "dispatcher-crash", "links-reset")
    settings = Settings(name="mix", environment=ENVIRONMENT)
    orders = Orders("small", minutes=0.75, faults=faults, settings=settings)
    report = await run(orders, tmp_path / "run")
    assert report.good, report.text()
    assert report.injected >= 2
