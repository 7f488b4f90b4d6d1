"""A file system of its own that a test may fill: what a full disk is to everything on it."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_FULL = (errno.ENOSPC, errno.EDQUOT)


class SmallDisk:
    """`path` is where it is mounted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Until not a byte more goes onto it."""
        descriptor = os.open(self._ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for size in (65_536, 1):
            _write_until_full(descriptor, bytes(size))
        os.close(descriptor)

    def free(self) -> None:
        """Make room again."""
        self._ballast.unlink()


def _write_until_full(descriptor: int, block: bytes) -> None:
    try:
        while True:
            os.write(descriptor, block)
    except OSError as exc:
        if exc.errno not in _FULL:
            raise


@contextmanager
def small_disk(path: Path, size: str, **options: str) -> Iterator[SmallDisk]:
    """A disk of `size` (as mount has it: `1m`) at `path`; `options` are more of a tmpfs'."""
    path.mkdir()
    words = ",".join(f"{name}={value}" for name, value in {"size": size, **options}.items())
    command = ["mount", "-t", "tmpfs", "-o", words, "tmpfs", str(path)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("only root may mount")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)
