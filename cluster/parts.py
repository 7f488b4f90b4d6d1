"""The parts of a cluster: which there are, what they are called, which ports they need.

Law: a part's name and its ports never change while the cluster exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cluster.errors import UnknownPart
from cluster.settings import GATEWAY_HTTP_PORT, GATEWAY_HTTPS_PORT, Settings


class Kind(StrEnum):
    """The programs of a cluster, in the order in which they start."""

    ZOOKEEPER = "zookeeper"
    WRITER = "writer"
    DISPATCHER = "dispatcher"
    NODE = "node"
    HAPROXY = "haproxy"


ROLES = (Kind.WRITER, Kind.DISPATCHER, Kind.NODE)  # our own programs
PORT_USES: Mapping[Kind, tuple[str, ...]] = {
    Kind.ZOOKEEPER: ("client", "quorum", "election"),
    Kind.WRITER: ("public", "internal", "ops"),
    Kind.DISPATCHER: ("internal", "ops"),
    Kind.NODE: ("public", "internal", "ops"),
    Kind.HAPROXY: ("http", "https"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One program. `number` counts from 1 within its kind; `ports` by use."""

    kind: Kind
    number: int
    ports: Mapping[str, int]

    @property
    def name(self) -> str:
        """`node-1`; the gateway is just `haproxy`."""
        return part_name(self.kind, self.number)


def part_name(kind: Kind, number: int) -> str:
    """What the part is called in commands, logs and certificates."""
    return str(kind) if kind is Kind.HAPROXY else f"{kind}-{number}"


def port_key(name: str, use: str) -> str:
    """Under which name a port is remembered."""
    return f"{name}/{use}"


def wanted(settings: Settings) -> list[tuple[Kind, int]]:
    """Every part of such a cluster, in the order in which they start."""
    counts = {
        Kind.ZOOKEEPER: settings.zookeepers,
        Kind.WRITER: settings.writers,
        Kind.DISPATCHER: settings.dispatchers,
        Kind.NODE: settings.nodes,
        Kind.HAPROXY: 1,
    }
    return [(kind, number + 1) for kind, count in counts.items() for number in range(count)]


def parts_of(settings: Settings, ports: Mapping[str, int]) -> list[Part]:
    """The parts with their remembered ports. Raises KeyError if one has none yet."""
    return [
        Part(
            kind,
            number,
            {use: ports[port_key(part_name(kind, number), use)] for use in PORT_USES[kind]},
        )
        for kind, number in wanted(settings)
    ]


def missing_ports(settings: Settings, ports: Mapping[str, int]) -> list[str]:
    """Keys of the ports that are still to be chosen."""
    keys = (
        port_key(part_name(kind, number), use)
        for kind, number in wanted(settings)
        for use in PORT_USES[kind]
    )
    return [key for key in keys if key not in ports]


def gateway_ports(settings: Settings, *, is_default: bool) -> dict[str, int]:
    """The gateway's ports that are asked for; the cluster that nobody named has the well-known
    ones.
    """
    asked = {
        "http": settings.http_port or (GATEWAY_HTTP_PORT if is_default else 0),
        "https": settings.https_port or (GATEWAY_HTTPS_PORT if is_default else 0),
    }
    return {port_key(Kind.HAPROXY, use): port for use, port in asked.items() if port}


def find_part(parts: list[Part], name: str) -> Part:
    """The part called `name`. Raises UnknownPart."""
    for part in parts:
        if part.name == name:
            return part
    raise UnknownPart(name, [part.name for part in parts])
