"""What a runtime can do with the parts of a cluster: cluster.local runs them as processes,
cluster.docker as containers.

A runtime starts exactly what it is told to start, and touches nothing that it did not start. It
restarts nothing by itself, except a server that ended because its disk was full. It also knows
where a part listens, which may be another address after each start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from cluster.parts import Part
from cluster.progress import Progress
from cluster.servers.haproxy_socket import Control
from cluster.settings import Settings


class Condition(StrEnum):
    """What a runtime knows of a part without asking it."""

    RUNNING = "running"
    PAUSED = "paused"
    PARTITIONED = "partitioned"  # it runs, and reaches nobody
    WAITING = "waiting for room on its disk"  # ended for want of it, and comes back by itself
    DEAD = "dead"  # it ran, and ended without being told to
    STOPPED = "stopped"  # it never ran, or was stopped on purpose


RUNNING = (Condition.RUNNING, Condition.PAUSED, Condition.PARTITIONED)  # its processes exist


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings and parts that a cluster is to have, at the moment of a call."""

    settings: Settings
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Launch:
    """How one part is started. `environment` is all that it sees. `room_mib`: if it ends because
    the disk of `folder` is full, it is started again when so much is free; 0: never.
    """

    name: str
    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    room_mib: int = 0


class Runtime(Protocol):
    """Starts, stops and watches parts by their names."""

    async def prepare(self, plan: Plan, progress: Progress) -> None:
        """Make what the parts of `plan` need to start; leaves alone what runs. Raises
        ClusterError.
        """

    async def start(self, plan: Plan, part: Part) -> None:
        """Start the part; nothing happens if it runs already (paused counts as running). Returns
        before it is ready. Raises ClusterError.
        """

    def host(self, part: Part) -> str | None:
        """Where `part.ports` are reached from this machine; None while it has no address."""

    def control(self) -> Control:
        """The gateway's runtime socket. Raises OSError while there is none."""

    async def renew_gateway(self) -> None:
        """Give a gateway that answers the certificate that it would start with now, where that can
        be. Raises OSError, TimeoutError or ClusterError.
        """

    def condition(self, name: str) -> Condition:
        """What it is doing."""

    def pid(self, name: str) -> int | None:
        """Its process id, while it runs."""

    def names(self) -> list[str]:
        """Every part that was started and not stopped on purpose."""

    async def stop(self, name: str, *, patience_s: float, hurry: bool) -> bool:
        """Ask it to end (in a `hurry` twice, which skips a drain), then force it after
        `patience_s`; False if it had to be forced.
        """

    async def kill(self, name: str) -> None:
        """End it at once, and wait until it is gone."""

    def pause(self, name: str) -> None:
        """Freeze it: its sockets stay open and it answers nothing."""

    def resume(self, name: str) -> None:
        """Undo `pause`."""

    def partition(self, name: str) -> None:
        """Cut it off from all other parts; it runs on. Raises ClusterError where that cannot be."""

    def heal(self, name: str) -> None:
        """Undo `partition`."""

    async def renew_epoch(self) -> tuple[str, str]:
        """The SQLite store's old epoch and its new one; no writer may run. Raises ClusterError."""

    async def discard_data(self, name: str) -> None:
        """Forget what a server that is not ours keeps; it does not run. Raises ClusterError."""

    async def remove(self) -> None:
        """Forget everything that is not in the cluster's folder, data included. All is stopped."""

    def log_tail(self, name: str, lines: int, *, this_life: bool = False) -> str:
        """The end of what it printed; with `this_life` nothing from before its last start."""

    def follow_logs(self, names: Sequence[str], *, lines: int) -> Iterator[tuple[str, str]]:
        """Name and line, for ever, beginning with the last `lines` of each; blocks."""
