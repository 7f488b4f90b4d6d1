"""The cluster under test: what faults act on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.cluster import Cluster
from cluster.parts import Kind
from cluster.servers import zookeeper
from cluster.settings import Settings
from tests.chaos.links import Links


@dataclass(frozen=True, slots=True)
class ClusterUnderTest:
    """A cluster; `links` is None where no proxies were placed."""

    cluster: Cluster
    links: Links | None = None

    def names(self, kind: Kind) -> list[str]:
        """All parts of a kind."""
        return [part.name for part in self.cluster.parts if part.kind is kind]

    async def find_leader(self) -> str:
        """The ZooKeeper server that leads (or stands alone); the first one if nobody says so."""
        servers = [part for part in self.cluster.parts if part.kind is Kind.ZOOKEEPER]
        for part in servers:
            address = self.cluster.address(part.name, "client")
            if await zookeeper.fetch_mode(*address) in ("leader", "standalone"):
                return part.name
        return servers[0].name


@contextmanager
def standing(settings: Settings, home: Path) -> Iterator[ClusterUnderTest]:
    """One with proxies on every hop, up for many tests; cleaned at the end."""
    cluster = Cluster.create(settings, home)
    try:
        with Links(cluster) as links:
            asyncio.run(cluster.up())
            yield ClusterUnderTest(cluster, links)
    finally:
        asyncio.run(cluster.clean())
