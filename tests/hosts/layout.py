"""What runs on which host: every process on its own, or three hosts that each run everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CLIENT = "client"  # whoever posts and watches, and the DNS server of all hosts


@dataclass(frozen=True, slots=True)
class Process:
    """One of ours: its role and number, as in the name of its unit, and its host."""

    role: str
    number: int
    host: str

    @property
    def name(self) -> str:
        """Its id."""
        return f"{self.role}-{self.number}"


@dataclass(frozen=True, slots=True)
class Layout:
    """Hosts by name, at most 8 letters each."""

    zookeepers: tuple[str, ...]
    cassandras: tuple[str, ...]
    gateways: tuple[str, ...]
    processes: tuple[Process, ...]

    @property
    def addresses(self) -> Mapping[str, str]:
        """Of all hosts, in the order in which they are named first."""
        named = (CLIENT, *self.gateways, *self.zookeepers, *self.cassandras)
        hosts = dict.fromkeys((*named, *(process.host for process in self.processes)))
        return {host: f"10.77.0.{number}" for number, host in enumerate(hosts, 10)}

    @property
    def by_name(self) -> Mapping[str, Process]:
        """Our processes by their ids."""
        return {process.name: process for process in self.processes}

    def count(self, role: str) -> int:
        """How many of a role."""
        return sum(process.role == role for process in self.processes)


_ROLES = ("writer", "dispatcher", "node")
APART = Layout(
    ("zk",),
    ("cassandra",),
    ("gateway",),
    tuple(Process(role, n, f"{role[0]}{n}") for role in _ROLES for n in (1, 2)),
)
_THREE = ("a", "b", "c")
THREE = Layout(
    _THREE,
    _THREE,
    ("a", "b"),
    tuple(Process(role, n, host) for n, host in enumerate(_THREE, 1) for role in _ROLES),
)
LAYOUTS = {"apart": APART, "three": THREE}
