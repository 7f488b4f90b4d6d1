"""What the kernel says of a process that we cannot ask: CPU, memory, descriptors, threads."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

from bench.child import BenchFailed

_CPUCLOCK_SCHED = 2


def cpu_s_of(pid: int) -> float:
    """CPU seconds of all its threads so far, of those that have ended too, to the nanosecond
    (/proc/pid/stat has 10 ms steps). It is the clock of clock_getcpuclockid(3): Python has that for
    threads only. Raises BenchFailed if the process is gone.
    """
    try:
        return time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)
    except OSError as exc:
        raise BenchFailed(f"process {pid} is gone") from exc


def threads_of(pid: int) -> int:
    """How many threads it has. Raises BenchFailed."""
    return _of(pid, lambda _task: 1)


def rss_of(pid: int) -> int:
    """Its resident bytes. Raises BenchFailed."""
    pages = int(_read(pid, "statm").split()[1])
    return pages * resource.getpagesize()


def descriptors_of(pid: int) -> int:
    """How many descriptors it has open. Raises BenchFailed."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError as exc:
        raise BenchFailed(f"process {pid} is gone") from exc


def _of(pid: int, figure: Callable[[Path], int]) -> int:
    total = 0
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            try:
                total += figure(task)
            except (FileNotFoundError, ProcessLookupError):  # a thread that has just ended
                continue
    except OSError as exc:
        raise BenchFailed(f"process {pid} is gone") from exc
    return total


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError as exc:
        raise BenchFailed(f"process {pid} is gone") from exc
