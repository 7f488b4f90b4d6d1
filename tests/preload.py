"""Small libraries in C that processes under test are started with (LD_PRELOAD)."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

_WALL_CLOCK = Path(__file__).with_name("wall_clock.c")


def build(source: Path, folder: Path) -> Path:
    """The library made of `source`. Skips the test where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("because there is no C compiler")
    library = folder / f"{source.stem}.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


class WallClock:
    """A wall clock of some processes that a test may set. libfaketime could do it too, but it
    stands between a process and its waits: under it the store was eight times as slow.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._library, self._file = build(_WALL_CLOCK, folder), folder / name
        self.name = name
        self.set(0)

    @property
    def environment(self) -> dict[str, str]:
        """What the processes must be started with."""
        return {"LD_PRELOAD": str(self._library), "WALL_CLOCK": str(self._file)}

    def set(self, off_s: int) -> None:
        """So many seconds off from now on; in place, because processes have the file mapped."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("=q", off_s))
