"""Under which conditions figures were measured: cores, versions, and how busy the machine was."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from typing import Self

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Conditions:
    """A moment. idle_s and stolen_s: CPU seconds of the whole machine since it was started."""

    at: float
    idle_s: float
    stolen_s: float

    @classmethod
    def now(cls) -> Self:
        """Reads /proc/stat."""
        with open("/proc/stat") as file:
            fields = [int(field) for field in file.readline().split()[1:]]
        idle, stolen = fields[3] + fields[4], fields[7]
        return cls(time.monotonic(), idle / _TICKS_PER_S, stolen / _TICKS_PER_S)

    def text_until_now(self) -> str:
        """One line about the time between then and now."""
        now = type(self).now()
        took_s = max(now.at - self.at, 0.001)
        cores = len(os.sched_getaffinity(0))
        return (
            f"{cores} cores, {took_s:.0f} s, {(now.idle_s - self.idle_s) / took_s:.1f} of them idle"
            f" and {(now.stolen_s - self.stolen_s) / took_s:.2f} stolen,"
            f" load {os.getloadavg()[0]:.1f}, {platform.system()} {platform.release()},"
            f" Python {platform.python_version()}; each value: median (lowest to highest)"
        )
