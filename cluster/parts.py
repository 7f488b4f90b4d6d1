"""The parts of a cluster: which there are, what they are called, which ports they need.

Invariants: a part's name and ports never change while the cluster exists. Processes share this
machine's ports, so each gets ports of its own, which are saved; a container has all ports for
itself, and only the gateway's are this machine's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cluster.addresses import LOOPBACK, reached_at
from cluster.errors import UnknownPart
from cluster.settings import GATEWAY_HTTP_PORT, GATEWAY_HTTPS_PORT, Settings
from wire.topology import PUBSUB, Topology


class Kind(StrEnum):
    """The programs of a cluster, in the order in which they start."""

    CASSANDRA = "cassandra"
    DYNALITE = "dynalite"
    ZOOKEEPER = "zookeeper"
    REDIS = "redis"
    SINGLE = "single"
    WRITER = "writer"
    DISPATCHER = "dispatcher"
    NODE = "node"
    HAPROXY = "haproxy"


# What our own programs stand on.
SERVERS = (Kind.CASSANDRA, Kind.DYNALITE, Kind.ZOOKEEPER, Kind.REDIS)
ROLES = (Kind.SINGLE, Kind.WRITER, Kind.DISPATCHER, Kind.NODE)  # our own programs
WITH_STORE = (Kind.SINGLE, Kind.WRITER)
WITH_TICKETS = (*WITH_STORE, Kind.NODE)  # who issues or checks them
BEHIND_GATEWAY = (Kind.SINGLE, Kind.WRITER, Kind.NODE)
_ONLY_ONE = (Kind.DYNALITE, Kind.REDIS, Kind.HAPROXY)
PORT_USES: Mapping[Kind, tuple[str, ...]] = {
    Kind.CASSANDRA: ("cql", "storage"),
    Kind.DYNALITE: ("client",),
    Kind.ZOOKEEPER: ("client", "quorum", "election"),
    Kind.REDIS: ("client",),
    Kind.SINGLE: ("public", "ops"),
    Kind.WRITER: ("public", "internal", "ops"),
    Kind.DISPATCHER: ("internal", "ops"),
    Kind.NODE: ("public", "internal", "ops"),
    Kind.HAPROXY: ("http", "https"),
}
_OUR_PORTS = {"public": 8001, "internal": 8002, "ops": 8003}
# Where the programs listen inside their containers, those that can be in one.
# compose/docker-compose.yml says the same, and a test compares the two.
CONTAINER_PORTS: Mapping[Kind, Mapping[str, int]] = {
    Kind.CASSANDRA: {"cql": 9042, "storage": 7000},
    Kind.ZOOKEEPER: {"client": 2181, "quorum": 2888, "election": 3888},
    Kind.REDIS: {"client": 6379},
    Kind.HAPROXY: {"http": 8080, "https": 8443},
    **{kind: {use: _OUR_PORTS[use] for use in PORT_USES[kind]} for kind in ROLES},
}


@dataclass(frozen=True, slots=True)
class Part:
    """One program. `number` counts from 1 within its kind; `ports` by use. `host` is where this
    machine reaches the gateway, and any part of the local runtime.
    """

    kind: Kind
    number: int
    ports: Mapping[str, int]
    host: str = LOOPBACK

    @property
    def name(self) -> str:
        """`node-1`; what there is only one of is just `haproxy`, `redis`, `dynalite`."""
        return part_name(self.kind, self.number)


def part_name(kind: Kind, number: int) -> str:
    """What the part is called in commands, logs and certificates."""
    return str(kind) if kind in _ONLY_ONE else f"{kind}-{number}"


def port_keys(kind: Kind, number: int) -> dict[str, str]:
    """Use -> the name under which the port is saved."""
    owner = str(kind) if kind is Kind.CASSANDRA else part_name(kind, number)
    return {use: f"{owner}/{use}" for use in PORT_USES[kind]}


def wanted(settings: Settings) -> list[tuple[Kind, int]]:
    """Every part of such a cluster, in the order in which they start."""
    topology = settings.topology
    dispatching, alone = topology == Topology.DISPATCHER, topology == Topology.SINGLE
    counts = {
        Kind.CASSANDRA: settings.cassandras if settings.store == "cassandra" else 0,
        Kind.DYNALITE: 1 if settings.store == "dynamodb" else 0,
        Kind.ZOOKEEPER: settings.zookeepers if dispatching else 0,
        Kind.REDIS: 1 if topology in PUBSUB else 0,
        Kind.SINGLE: 1 if alone else 0,
        Kind.WRITER: 0 if alone else settings.writers,
        Kind.DISPATCHER: settings.dispatchers if dispatching else 0,
        Kind.NODE: 0 if alone else settings.nodes,
        Kind.HAPROXY: 1,
    }
    return [(kind, number + 1) for kind, count in counts.items() for number in range(count)]


def kinds_of(settings: Settings) -> list[Kind]:
    """The programs of such a cluster, in the order in which they start."""
    return list(dict.fromkeys(kind for kind, _ in wanted(settings)))


def parts_of(settings: Settings, ports: Mapping[str, int]) -> list[Part]:
    """The parts with their saved ports. Raises KeyError if one has none yet."""
    return [
        Part(kind, number, CONTAINER_PORTS[kind])
        if _is_contained(settings, kind)
        else Part(
            kind,
            number,
            {use: ports[key] for use, key in port_keys(kind, number).items()},
            _host(settings, kind, number),
        )
        for kind, number in wanted(settings)
    ]


def _host(settings: Settings, kind: Kind, number: int) -> str:
    if kind is Kind.CASSANDRA:  # they know one another by address alone, and all have one port
        return f"127.0.0.{number}"
    return reached_at(settings.bind) if kind is Kind.HAPROXY else LOOPBACK


def missing_ports(settings: Settings, ports: Mapping[str, int]) -> list[str]:
    """Keys of the ports that are still to be chosen, each once."""
    keys = (
        key
        for kind, number in wanted(settings)
        if not _is_contained(settings, kind)
        for key in port_keys(kind, number).values()
    )
    return [key for key in dict.fromkeys(keys) if key not in ports]


def _is_contained(settings: Settings, kind: Kind) -> bool:
    return settings.runtime == "docker" and kind is not Kind.HAPROXY


def gateway_ports(settings: Settings, *, is_default: bool) -> dict[str, int]:
    """The gateway's ports that are asked for; the cluster that nobody named has the well-known
    ones.
    """
    asked = {
        "http": settings.http_port or (GATEWAY_HTTP_PORT if is_default else 0),
        "https": settings.https_port or (GATEWAY_HTTPS_PORT if is_default else 0),
    }
    keys = port_keys(Kind.HAPROXY, 1)
    return {keys[use]: port for use, port in asked.items() if port}


def find_part(parts: list[Part], name: str) -> Part:
    """The part called `name`. Raises UnknownPart."""
    for part in parts:
        if part.name == name:
            return part
    raise UnknownPart(name, [part.name for part in parts])
