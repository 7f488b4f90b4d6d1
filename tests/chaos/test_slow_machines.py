"""T67 to T69: processes that get a tenth of their time, a network that is slow everywhere, and all
processes restarted in turn.
"""

from __future__ import annotations

import time

import pytest

from cluster.parts import ROLES, Kind
from tests.bounds import record
from tests.chaos.cluster_under_test import ClusterUnderTest
from tests.chaos.faults import Rolling, Throttle
from tests.chaos.figures import lateness_s, quantile
from tests.chaos.link_faults import Bent
from tests.chaos.rows import row
from tests.support import TIMEOUT_FACTOR
from tests.tcp_proxy import Bend

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


@pytest.mark.parametrize("kind", [Kind.NODE, Kind.DISPATCHER, Kind.WRITER])
async def test_t67_a_process_starves_for_30_s(under_test: ClusterUnderTest, kind: Kind) -> None:
    async with row("T67", under_test) as it:
        await it.strike(
            Throttle(under_test, under_test.names(kind)[:1], 15.0, lasts=True), hold_s=30.0
        )


async def test_t68_every_hop_inside_takes_200_ms(under_test: ClusterUnderTest) -> None:
    """Latency only: what TCP makes of 5 % loss is more of the same (see docs/faults.md)."""
    async with row("T68", under_test) as it:
        before = time.monotonic()
        hops = ["*>dispatcher-*", "*>node-*", "*>writer-*"]
        shape = Bend(latency_s=0.2, jitter_s=0.05)
        await it.strike(Bent(under_test, hops, 2.0, True, True, shape=shape), hold_s=15.0)
        history = it.load.history
    late_s = quantile(lateness_s(history, before, before + 15.0), 0.99)
    record(f"T68: X p99 2.0 s, p99 {late_s:.2f} s")
    assert late_s < 2.0 * TIMEOUT_FACTOR


async def test_t69_every_process_is_restarted_one_after_the_other(
    under_test: ClusterUnderTest,
) -> None:
    """Ours and ZooKeeper's are not noticed; with the gateway go the connections that it had."""
    async with row("T69", under_test) as it:
        kinds = (*ROLES, Kind.ZOOKEEPER)
        names = [part.name for part in under_test.cluster.parts if part.kind in kinds]
        rolling = Rolling(under_test, names, 3.0, True, only_routes=True, pause_s=2.0)
        await it.strike(rolling, hold_s=0.0)
        gateway = Rolling(under_test, under_test.names(Kind.HAPROXY), 10.0, True, pause_s=0.0)
        await it.strike(gateway, hold_s=0.0)
        assert not [watch.fatal for watch in it.load.history.watches if watch.fatal]
