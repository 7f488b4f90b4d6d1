"""Marks that identify processes: a pid alone may belong to another process by now.

Invariants: a process is known by its pid, the moment it started and the boot of the machine; a
signal is sent only to a process that is still that one. A mark counts only in the folder in which
it was written: in a copy of that folder it names a process of the original. A zombie is dead once
its last thread is gone: until then it holds its ports and files (a killed JVM needs up to 0.3 s).
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cluster.files import replace_file

_THREADS, _STARTED = 17, 19  # places in what `_stat` returns
_PROC = Path("/proc")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """Which process it is. `started` is in clock ticks since the machine's boot."""

    pid: int
    started: int
    boot: str


class _Kept(msgspec.Struct):
    """A mark in a file; `place` is the folder that the file was written in."""

    pid: int
    started: int
    boot: str
    place: str = ""


def mark_of(pid: int) -> ProcessMark | None:
    """The mark of a process that exists now, a zombie included."""
    fields = _stat(pid)
    return ProcessMark(pid, int(fields[_STARTED]), _boot_id()) if fields else None


def is_alive(mark: ProcessMark) -> bool:
    """Whether exactly this process still lives."""
    fields = _stat(mark.pid)
    if not fields or mark.boot != _boot_id() or int(fields[_STARTED]) != mark.started:
        return False
    if fields[0] in "ZX" and int(fields[_THREADS]) <= 1:
        _reap(mark.pid)
        return False
    return True


def is_paused(mark: ProcessMark) -> bool:
    """Whether it is stopped by a signal."""
    fields = _stat(mark.pid)
    return bool(fields) and fields[0] in "Tt"


def send(mark: ProcessMark, signum: int) -> bool:
    """Send a signal to exactly this process; False if it is gone."""
    try:
        descriptor = os.pidfd_open(mark.pid)
    except OSError:
        return False
    try:
        # The descriptor holds the process, so its pid cannot pass to another after this look.
        if not is_alive(mark):
            return False
        signal.pidfd_send_signal(descriptor, signum)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def read_mark(path: Path) -> ProcessMark | None:
    """The mark kept in a file, or None if there is none that can be read, or in a copied one."""
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, msgspec.DecodeError):
        return None
    if kept.place not in ("", place_of(path.parent)):
        return None
    return ProcessMark(kept.pid, kept.started, kept.boot)


def write_mark(path: Path, mark: ProcessMark) -> None:
    """Keep a mark, whole."""
    kept = _Kept(mark.pid, mark.started, mark.boot, place_of(path.parent))
    replace_file(path, msgspec.json.encode(kept))


def place_of(folder: Path) -> str:
    """What identifies a folder, its device and inode: a rename does not change it, and a copy has
    another one. After a start of the machine the device may have another number.
    """
    stat = folder.stat()
    return f"{stat.st_dev}:{stat.st_ino}"


def find_outputs() -> dict[int, str]:
    """The file that a process prints everything into, by pid: of the processes without an input
    that this user may look at, which is how the parts of a cluster are started.
    """
    outputs = {}
    for folder in _PROC.iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError):
                reads, prints, complains = (os.readlink(folder / "fd" / fd) for fd in "012")
                if reads == os.devnull and prints == complains:
                    outputs[int(folder.name)] = prints
    return outputs


def _stat(pid: int) -> Sequence[str]:
    """Fields of /proc/<pid>/stat from the state on; empty if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (OSError, UnicodeDecodeError):
        return ()
    return text.rpartition(")")[2].split()  # the name before it may hold anything


def _boot_id() -> str:
    return _BOOT_ID.read_text().strip()


def _reap(pid: int) -> None:
    """Reap a child of ours, so that it does not stay a zombie."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
