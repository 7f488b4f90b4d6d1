"""One cluster with proxies on every hop for all rows; each row leaves it whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.settings import Settings
from tests.chaos.links import Links
from tests.chaos.run import ENVIRONMENT
from tests.chaos.scene import Scene


@pytest.fixture(scope="session")
def standing_scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    home: Path = tmp_path_factory.mktemp("home")
    settings = Settings(name="rows", zookeepers=3, environment=ENVIRONMENT)
    cluster = Cluster.create(settings, home)
    try:
        with Links(cluster) as links:
            asyncio.run(cluster.up())
            yield Scene(cluster, links)
    finally:
        asyncio.run(cluster.clean())


@pytest.fixture
async def scene(standing_scene: Scene) -> AsyncIterator[Scene]:
    """The cluster, whole; whatever a row has broken is mended."""
    assert standing_scene.links is not None
    await standing_scene.cluster.up()
    yield standing_scene
    await standing_scene.links.heal()
    await standing_scene.cluster.up()
