"""Three Cassandras in containers: each is known by its address, whatever the order of starts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cluster.cluster import Cluster
from cluster.runtime import Condition
from cluster.settings import Settings
from tests.chaos.judge import judge
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.clusters import running
from tests.e2e.conftest import CASSANDRA
from tests.e2e.test_faults import eventually_503
from tests.support import TIMEOUT_FACTOR

pytestmark = pytest.mark.timeout(900 * TIMEOUT_FACTOR)
RING = Settings(
    "ring",
    runtime="docker",
    store="cassandra",
    cassandras=3,
    nodes=1,
    dispatchers=1,
    writers=1,
    environment={"cassandra": CASSANDRA},
)
NAMES = ("cassandra-1", "cassandra-2", "cassandra-3")
SHAPE = Shape(viewers=20, videos=4, rate=20, churn_s=0, impatient=0)
SOME = 60  # comments
BACK_WITHIN_S = 10.0


@pytest.fixture
async def ring(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with running(Cluster.create(RING, tmp_path)) as cluster:
        yield cluster


def addresses(ring: Cluster) -> dict[str, Any]:
    return {name: ring.address(name, "cql")[0] for name in NAMES}


async def test_servers_come_back_in_another_order_and_with_their_addresses(ring: Cluster) -> None:
    before = addresses(ring)
    async with Load.on(ring, SHAPE) as load, aiohttp.ClientSession() as session:
        await load.wait_for_posts(SOME)
        async with load.trouble("two of three killed", BACK_WITHIN_S):
            await ring.kill("cassandra-2")
            await ring.kill("cassandra-3")
            await eventually_503(session, f"{ring.http_url}/v1/videos/unwatched/comments")
            await ring.start("cassandra-3")
        await load.wait_for_posts(SOME, 60)
        async with load.trouble("the second comes back", BACK_WITHIN_S):
            await ring.start("cassandra-2")
        assert addresses(ring) == before
        async with load.trouble("the first is cut off, and is back", BACK_WITHIN_S):
            ring.partition("cassandra-1")
            assert ring.condition("cassandra-1") is Condition.PARTITIONED
            await load.wait_for_posts(SOME, 60)
            ring.heal("cassandra-1")
            await ring.wait_ready("cassandra-1")
        assert addresses(ring) == before
        await load.wait_for_posts(SOME, 60)
        assert {len(watch.streams) for watch in load.history.watches} == {1}
        assert judge(await load.finish()).broken == []
