"""ZooKeeper and Cassandra on hosts of a test: their configurations, and what runs them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.folder import home_folder, jars_folder
from cluster.servers import cassandra, cassandra_jars, zookeeper
from tests.hosts.layout import Layout

CLIENT_PORT, CQL_PORT = 2181, 9042
_QUORUM_PORT, _ELECTION_PORT, _STORAGE_PORT = 2888, 3888, 7000
_HEAP_MIB = 256
_FAST = ("-XX:TieredStopAtLevel=1",)


@dataclass(frozen=True, slots=True)
class Server:
    """Configured; `command` runs it in its folder."""

    name: str
    host: str
    command: list[str]
    folder: Path


def zookeepers(layout: Layout, addresses: Mapping[str, str], folder: Path) -> Iterator[Server]:
    """One, or an ensemble. The cluster's own are all on loopback: these have addresses instead."""
    hosts = layout.zookeepers
    ensemble = [
        zookeeper.ZooKeeperServer(
            number, folder / f"zookeeper-{host}", CLIENT_PORT, _QUORUM_PORT, _ELECTION_PORT
        )
        for number, host in enumerate(hosts, 1)
    ]
    for host, server in zip(hosts, ensemble, strict=True):
        zookeeper.write_config(server, ensemble)
        text = server.config.read_text()
        text = text.replace("Address=127.0.0.1", f"Address={addresses[host]}")
        for number, other in enumerate(hosts, 1):
            place = f"server.{number}={addresses[other]}:"
            text = text.replace(f"server.{number}=127.0.0.1:", place)
        server.config.write_text(text)
        yield Server(f"zookeeper-{host}", host, zookeeper.command(server), server.folder)


def cassandras(layout: Layout, addresses: Mapping[str, str], folder: Path) -> Iterator[Server]:
    """One, or a ring."""
    jars = jars_folder(home_folder(os.environ))
    cassandra_jars.fetch(jars)
    ring = [
        cassandra.CassandraServer(
            number, folder / f"cassandra-{host}", addresses[host], CQL_PORT, _STORAGE_PORT,
            _HEAP_MIB, _FAST,
        )
        for number, host in enumerate(layout.cassandras, 1)
    ]  # fmt: skip
    for host, server in zip(layout.cassandras, ring, strict=True):
        cassandra.write_config(server, ring)
        yield Server(f"cassandra-{host}", host, cassandra.command(server, jars), server.folder)
