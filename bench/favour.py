"""On a machine that others use: the clusters under measurement, and who measures, before the rest.

Comments that wait for a core leave joined, which costs less CPU, and an older revision waits more
often: so a busy machine changes ratios too. `nice` does not help, as Linux weighs sessions against
each other first, and every part of a cluster is a session of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.child import BenchFailed

_NICE = -15


@contextmanager
def favoured(pids: Iterable[int]) -> Iterator[None]:
    """The sessions of these processes, until they end, and ours, until this does. Raises
    BenchFailed where that cannot be.
    """
    own = _group(os.getpid())
    try:
        before = own.read_text().split()[-1]
    except OSError as exc:
        raise BenchFailed(f"--favour needs the autogroups of Linux: {exc}") from exc
    try:
        _raise_all([own, *map(_group, pids)])
        yield
    finally:
        own.write_text(f"{before}\n")


def _raise_all(groups: Iterable[Path]) -> None:
    try:
        for group in groups:
            group.write_text(f"{_NICE}\n")
    except OSError as exc:
        raise BenchFailed(f"--favour needs root: {exc}") from exc


def _group(pid: int) -> Path:
    return Path(f"/proc/{pid}/autogroup")
