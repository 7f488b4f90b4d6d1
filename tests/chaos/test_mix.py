"""T70, small: what `make chaos` does, in two minutes, as part of `make test-all`. One seed, so that
what is red is red for everybody; a third of the load, so that any machine can carry it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.settings import Settings
from tests.chaos.floor import Floor
from tests.chaos.run import ENVIRONMENT, Orders, run
from tests.chaos.traffic import Shape
from tests.support import TIMEOUT_FACTOR

pytestmark = pytest.mark.timeout(400 * TIMEOUT_FACTOR)

FAULTS = ("node-kill", "writer-crash", "dispatcher-crash", "session-expiry", "links-reset")
SHAPE = Shape(viewers=120, videos=10, rate=40, rulings=True, screened=2.0)
# A machine that is busy with other things may cost half of it, and be late to its own clock.
FLOOR = Floor(
    comments=20,
    viewers_per_node=30,
    deliveries=(200, 10_000),
    lag_s=3.0 * TIMEOUT_FACTOR,
    calls=50,
    decisions=5,
    late_share=0.2,
)


async def test_a_seeded_mix_of_faults_breaks_no_promise(tmp_path: Path) -> None:
    settings = Settings(name="mix", environment=ENVIRONMENT)
    orders = Orders("small", 1.4, FAULTS, settings, SHAPE, FLOOR)
    report = await run(orders, tmp_path / "run")
    assert report.good, report.text()
    assert report.injected >= 4
