"""T67, T68: processes that get a tenth of their time, and a network that is slow everywhere."""

from __future__ import annotations

import time

import pytest

from cluster.parts import Kind
from tests.chaos.faults import Bent, Scene, Throttle
from tests.chaos.figures import lateness_s, quantile
from tests.chaos.rows import row
from tests.support import TIMEOUT_FACTOR
from tests.tcp_proxy import Bend

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


@pytest.mark.parametrize("kind", [Kind.NODE, Kind.DISPATCHER, Kind.WRITER])
async def test_t67_a_process_starves_for_30_s(scene: Scene, kind: Kind) -> None:
    async with row("T67", scene) as it:
        await it.strike(Throttle(scene, scene.names(kind)[:1], 15.0, lasts=True), hold_s=30.0)


async def test_t68_every_hop_inside_takes_200_ms(scene: Scene) -> None:
    """Latency only: what TCP makes of 5 % loss is more of the same (see docs/faults.md)."""
    async with row("T68", scene) as it:
        before = time.monotonic()
        hops = ["*>dispatcher-*", "*>node-*", "*>writer-*"]
        shape = Bend(latency_s=0.2, jitter_s=0.05)
        await it.strike(Bent(scene, hops, 2.0, True, True, shape=shape), hold_s=15.0)
        history = it.load.history
    assert quantile(lateness_s(history, before, before + 15.0), 0.99) < 2.0 * TIMEOUT_FACTOR
