"""Faults of what the machine gives to a process of this machine: memory, descriptors, the time."""

from __future__ import annotations

import asyncio
import os
import resource
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from cluster.runtime import Condition
from tests.chaos.faults import Fault
from tests.preload import WallClock
from tests.support import TIMEOUT_FACTOR

_LOOK_EVERY_S = 0.05
_DIES_WITHIN_S = 120.0
# What a process takes from now on; what it has already is counted where it was taken.
_MEMORY_LEFT_BYTES = 4096
_V1, _V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


@dataclass(slots=True)
class OutOfMemory(Fault):
    """A limit of memory that a process meets with its next pages, so that the kernel kills it.
    Raises OSError where no limit may be set.
    """

    _group: Path | None = None

    async def inject(self) -> None:
        """See Fault."""
        (name,) = self.targets
        self._group = new_memory_group(_MEMORY_LEFT_BYTES)
        (self._group / "cgroup.procs").write_text(str(self.under_test.cluster.pid(name)))
        async with asyncio.timeout(_DIES_WITHIN_S * TIMEOUT_FACTOR):
            while self.under_test.cluster.condition(name) is Condition.RUNNING:
                await asyncio.sleep(_LOOK_EVERY_S)

    async def heal(self) -> None:
        """See Fault."""
        if self._group is not None:
            self._group.rmdir()
        await self._start_all()


def new_memory_group(max_bytes: int) -> Path:
    """An empty control group, of the first kind or the second. Raises OSError."""
    is_first = (_V1 / "cgroup.procs").exists()
    group = (_V1 if is_first else _V2) / f"livecomments-{secrets.token_hex(4)}"
    group.mkdir()
    try:
        name = "memory.limit_in_bytes" if is_first else "memory.max"
        (group / name).write_text(str(max_bytes))
    except OSError:
        group.rmdir()
        raise
    return group


@dataclass(slots=True)
class OutOfDescriptors(Fault):
    """Not one more for the targets than each has then. What is closed may be used again, so at this
    bound connections keep coming and going.
    """

    _limits: dict[int, tuple[int, int]] = field(default_factory=dict)

    async def inject(self) -> None:
        """See Fault."""
        for name in self.targets:
            pid = self.under_test.cluster.pid(name)
            assert pid is not None, f"{name} does not run"
            used = set(map(int, os.listdir(f"/proc/{pid}/fd")))
            first_free = next(number for number in count() if number not in used)
            soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (first_free, hard))
            self._limits[pid] = soft, hard

    async def heal(self) -> None:
        """See Fault."""
        for pid, limits in self._limits.items():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


@dataclass(slots=True)
class ClockJump(Fault):
    """The wall clocks of processes that were started with these; `targets` name them."""

    clocks: Sequence[WallClock] = ()
    offset_s: int = 3600

    async def inject(self) -> None:
        """See Fault."""
        for clock in self.clocks:
            clock.set(self.offset_s)

    async def heal(self) -> None:
        """See Fault."""
        for clock in self.clocks:
            clock.set(0)
