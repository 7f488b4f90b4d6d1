"""What only containers can show. Collected with `--runtime docker` alone: `make test-docker`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.settings import Settings
from tests.clusters import running

SMALL = Settings("small", runtime="docker", nodes=2, dispatchers=1, writers=1)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return None if config.getoption("runtime") == "docker" else True


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Cluster]:
    """Made and started."""
    async with running(Cluster.create(SMALL, tmp_path)) as cluster:
        yield cluster
