"""Supervises one server: starts it again if it ended because its disk was full.

ZooKeeper ends when it cannot write its transaction log, Cassandra when it cannot write its commit
log (the JVM aborts: that log is mapped), and nobody else would start them when there is room again.

Invariants: a full disk is the only reason to start a server again. If the server was killed or
asked to end, if it ended on a disk that had had room for 10 s, or if a command stopped or started
it meanwhile, this process ends too. The server is started again once there is room, which is
checked every second, and after a pause: 1 s, then twice as long each time, up to 30 s, until a
server has lived for a minute.

`python -m cluster.local.supervisor MARK FOLDER MIB COMMAND...`: it writes the server's mark
(see cluster.local.processes) to MARK, and a line to standard output when the server was first
started. The server runs in FOLDER, whose disk must have so many MIB free, and prints into this
process's standard error.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from cluster.local.logs import launched_line, tail_of_this_life
from cluster.local.processes import ProcessMark, mark_of, read_mark, write_mark
from cluster.servers.zookeeper import remove_empty_logs

_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _POLL_EVERY_S = 1.0, 30.0, 1.0
_LIVED_S = 60.0
_BY_SIGNAL = 128  # a status above it says which signal a program was ended by
_FULL_LATELY_S = 10.0
_STDOUT, _STDERR = 1, 2
_COMPLAINTS = tuple(map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EIO)))
_LINES_READ = 60


def ended_by_itself(status: int) -> bool:
    """Whether it was neither killed nor asked to end. A JVM that cannot write to a mapped file
    aborts.
    """
    return status == -signal.SIGABRT or 0 <= status <= _BY_SIGNAL


def free_bytes(folder: Path) -> int:
    """How much room its disk has for this user. Raises OSError."""
    disk = os.statvfs(folder)
    return (disk.f_bfree if os.geteuid() == 0 else disk.f_bavail) * disk.f_frsize


def can_write(folder: Path) -> bool:
    """Whether a file can be written there. Only that shows quotas, inodes and faults of a disk."""
    probe = folder / ".room"
    try:
        with probe.open("wb", buffering=0) as file:
            file.write(bytes(4096))
            os.fsync(file.fileno())
        probe.unlink()
    except OSError:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
        return False
    return True


def _complained_of_disk() -> bool:
    """Whether the server printed so, as far as it still could."""
    if not stat.S_ISREG(os.fstat(_STDERR).st_mode):
        return False
    tail = tail_of_this_life(Path(f"/proc/self/fd/{_STDERR}"), _LINES_READ)
    return any(complaint in tail for complaint in _COMPLAINTS)


class Supervisor:
    """Supervises one server in `folder`, whose disk must have `room_mib` free."""

    def __init__(
        self, mark_file: Path, folder: Path, room_mib: int, command: Sequence[str]
    ) -> None:
        self._mark_file, self._folder, self._command = mark_file, folder, command
        self._room_bytes = room_mib * 1024 * 1024
        self._full_at = float("-inf")

    def run(self, started: Callable[[], None]) -> None:
        """Until the server ends for another reason than a full disk; calls `started` once it runs.
        Raises OSError if it cannot be started at all.
        """
        pause_s, began = _FIRST_PAUSE_S, time.monotonic()
        server: subprocess.Popen[bytes] | None
        server, mark = self._start()
        started()
        while True:
            if server is not None and not self._ended_for_room(self._watch(server)):
                return
            if time.monotonic() - began > _LIVED_S:
                pause_s = _FIRST_PAUSE_S
            if not self._wait_for_room(mark, pause_s):
                return
            pause_s, began = min(2 * pause_s, _LONGEST_PAUSE_S), time.monotonic()
            try:
                server, mark = self._start()
            except OSError:  # no room again
                server = None

    def _watch(self, server: subprocess.Popen[bytes]) -> int:
        """Wait until it ends: its status. By then there may be room again: the disk is watched."""
        ending = os.pidfd_open(server.pid)
        poll = select.poll()
        poll.register(ending, select.POLLIN)
        while not poll.poll(_POLL_EVERY_S * 1000):
            if not self._has_blocks():
                self._full_at = time.monotonic()
        os.close(ending)
        return server.wait()

    def _ended_for_room(self, status: int) -> bool:
        full_lately = time.monotonic() - self._full_at < _FULL_LATELY_S
        return ended_by_itself(status) and (
            full_lately or not self._has_room() or _complained_of_disk()
        )

    def _has_room(self) -> bool:
        return self._has_blocks() and can_write(self._folder)

    def _has_blocks(self) -> bool:
        try:
            return free_bytes(self._folder) >= self._room_bytes
        except OSError:
            return False

    def _start(self) -> tuple[subprocess.Popen[bytes], ProcessMark]:
        remove_empty_logs(self._folder)
        with suppress(OSError):
            os.write(_STDERR, launched_line())
        server = subprocess.Popen(self._command, cwd=self._folder, stdout=_STDERR)
        mark = mark_of(server.pid)
        assert mark is not None, "a child that nobody has waited for is there"
        try:
            write_mark(self._mark_file, mark)
        except OSError:  # nobody would know of it
            server.kill()
            server.wait()
            raise
        return server, mark

    def _wait_for_room(self, mark: ProcessMark, pause_s: float) -> bool:
        """False if a command stopped or started the server instead."""
        time.sleep(pause_s)
        while read_mark(self._mark_file) == mark:
            if self._has_room():
                return True
            time.sleep(_POLL_EVERY_S)
        return False


def _tell_started() -> None:
    with suppress(OSError):
        os.write(_STDOUT, b"started\n")
    os.dup2(_STDERR, _STDOUT)


def main() -> None:
    """As the module says."""
    mark_file, folder, room_mib, *command = sys.argv[1:]
    Supervisor(Path(mark_file), Path(folder), int(room_mib), command).run(_tell_started)


if __name__ == "__main__":
    main()
