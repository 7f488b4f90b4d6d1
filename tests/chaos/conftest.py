"""One cluster with proxies on every hop for all rows; each row leaves it whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cluster.parts import Kind
from cluster.settings import Settings
from tests.chaos.cluster_under_test import ClusterUnderTest, standing
from tests.chaos.healing import state_of
from tests.chaos.run import ENVIRONMENT
from tests.support import TIMEOUT_FACTOR


@pytest.fixture(scope="session")
def standing_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterUnderTest]:
    home: Path = tmp_path_factory.mktemp("home")
    settings = Settings(name="rows", zookeepers=3, environment=ENVIRONMENT)
    with standing(settings, home) as under_test:
        yield under_test


@pytest.fixture
async def under_test(standing_cluster: ClusterUnderTest) -> AsyncIterator[ClusterUnderTest]:
    """The cluster, whole; whatever a row has broken is mended."""
    assert standing_cluster.links is not None
    await standing_cluster.cluster.up()
    await until_nobody_watches(standing_cluster)
    yield standing_cluster
    await standing_cluster.links.heal()
    await standing_cluster.cluster.up()


async def until_nobody_watches(under_test: ClusterUnderTest) -> None:
    """The gateway notices up to 10 s late who left, and until then places viewers as if they were
    still there: after a drain most of the next row's would come to one node.
    """
    async with asyncio.timeout(30 * TIMEOUT_FACTOR):
        for name in under_test.names(Kind.NODE):
            while (await state_of(under_test.cluster, name)).get("viewers") != 0:
                await asyncio.sleep(0.1)
