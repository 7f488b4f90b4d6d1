"""Runs one server, and starts it again if it ended because its disk had no room.

ZooKeeper ends when it cannot write its transaction log, and there is nobody else to start it when
there is room again. Law: that is the only end after which it is started again. Killed or asked to
end, ended while the disk had room, stopped or started by a command meanwhile: then this process
ends too. It starts the server after a pause of 1 s, twice as long each time up to 30 s while the
server does not live for a minute, and once there is room, which it looks for every second.

`python -m cluster.keeper MARK FOLDER COMMAND...`: writes the server's mark (see cluster.processes)
to MARK and a line on standard output when it was first started; FOLDER is where it runs, and the
disk that must have room. The server prints into this process's standard error.
"""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from cluster.logs import launched_line, tail_of_this_life
from cluster.processes import ProcessMark, mark_of, read_mark, write_mark
from cluster.zookeeper import remove_empty_logs

ROOM_BYTES = 1024 * 1024
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _LOOK_EVERY_S = 1.0, 30.0, 1.0
_LIVED_S = 60.0
_BY_SIGNAL = 128  # from here on a status says which signal a program was ended by
_STDOUT, _STDERR = 1, 2
_COMPLAINTS = tuple(map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EIO)))
_LINES_READ = 60


def ended_for_room(status: int, folder: Path) -> bool:
    """Whether a server that ended with `status` is to be started when there is room in `folder`."""
    if status < 0 or status >= _BY_SIGNAL:  # killed, or asked to end
        return False
    return not has_room(folder) or _complained_of_disk()


def has_room(folder: Path) -> bool:
    """Whether a server could write there: by the free blocks and inodes, and by writing."""
    probe = folder / ".room"
    try:
        disk = os.statvfs(folder)
        free = disk.f_bfree if os.geteuid() == 0 else disk.f_bavail
        if free * disk.f_frsize < ROOM_BYTES:
            return False
        try:
            with probe.open("wb", buffering=0) as file:  # quotas and errors of the disk
                file.write(bytes(4096))
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _complained_of_disk() -> bool:
    """There may be room again by the time that a server is gone."""
    if not stat.S_ISREG(os.fstat(_STDERR).st_mode):
        return False
    tail = tail_of_this_life(Path(f"/proc/self/fd/{_STDERR}"), _LINES_READ)
    return any(complaint in tail for complaint in _COMPLAINTS)


class Keeper:
    """One server. `started` is called when it runs for the first time."""

    def __init__(
        self, mark_file: Path, folder: Path, command: Sequence[str], started: Callable[[], None]
    ) -> None:
        self._mark_file, self._folder, self._command = mark_file, folder, command
        self._started = started

    def run(self) -> None:
        """Until the server ends for another reason than the room. Raises OSError if it cannot be
        started at all.
        """
        pause_s, began = _FIRST_PAUSE_S, time.monotonic()
        server: subprocess.Popen[bytes] | None
        server, mark = self._start()
        self._started()
        while True:
            if server is not None and not ended_for_room(server.wait(), self._folder):
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
            if has_room(self._folder):
                return True
            time.sleep(_LOOK_EVERY_S)
        return False


def _tell_started() -> None:
    with suppress(OSError):
        os.write(_STDOUT, b"started\n")
    os.dup2(_STDERR, _STDOUT)


def main() -> None:
    """As the module says."""
    mark_file, folder, *command = sys.argv[1:]
    Keeper(Path(mark_file), Path(folder), command, _tell_started).run()


if __name__ == "__main__":
    main()
