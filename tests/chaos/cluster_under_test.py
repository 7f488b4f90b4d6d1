"""The under_test: what faults act on."""

from __future__ import annotations

from dataclasses import dataclass

from cluster.cluster import Cluster
from cluster.parts import Kind
from cluster.servers import zookeeper
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
