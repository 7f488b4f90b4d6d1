"""One real cluster of processes for all tests of this floor; each test leaves it whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from cluster.cluster import Cluster
from cluster.settings import Settings


@pytest.fixture(scope="session")
def running_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home: Path = tmp_path_factory.mktemp("home")
    environment = {"all": {"LOG_LEVEL": "debug"}, "node": {"DRAIN_WINDOW_S": "5"}}
    settings = Settings(name="e2e", environment=environment)
    cluster = Cluster.create(settings, home)
    try:
        asyncio.run(cluster.up())
        yield cluster
    finally:
        asyncio.run(cluster.clean())


@pytest.fixture
async def cluster(running_cluster: Cluster) -> AsyncIterator[Cluster]:
    """The cluster, whole; whatever a test has killed is started again."""
    await running_cluster.up()
    yield running_cluster
    await running_cluster.up()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield session
