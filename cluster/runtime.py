"""What a runtime can do with the parts of a cluster; `local_runtime` does it with processes.

A runtime starts exactly what it is told and touches nothing that it did not start. It restarts
nothing by itself. All methods return at once except `stop` and `kill`, which wait for the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class Condition(StrEnum):
    """What a runtime knows of a part without asking it."""

    RUNNING = "running"
    PAUSED = "paused"
    DEAD = "dead"  # it ran, and ended without being told to
    STOPPED = "stopped"  # it never ran, or was stopped on purpose


RUNNING = (Condition.RUNNING, Condition.PAUSED)  # a paused process is there


@dataclass(frozen=True, slots=True)
class Launch:
    """How one part is started. `environment` is all that it sees."""

    name: str
    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)


class Runtime(Protocol):
    """Starts, stops and watches parts by their names."""

    def start(self, launch: Launch) -> None:
        """Start the part; nothing happens if it runs already (paused counts as running)."""

    def condition(self, name: str) -> Condition:
        """What it is doing."""

    def pid(self, name: str) -> int | None:
        """Its process id, while it runs."""

    def names(self) -> list[str]:
        """Every part that was started and not stopped on purpose."""

    def signal(self, name: str, signum: int) -> bool:
        """Send a signal; False if the part does not run."""

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

    def log_tail(self, name: str, lines: int, *, this_life: bool = False) -> str:
        """The end of what it printed; with `this_life` nothing from before its last start."""

    def follow_logs(self, names: Sequence[str], *, lines: int) -> Iterator[tuple[str, str]]:
        """Name and line, for ever, beginning with the last `lines` of each; blocks."""
