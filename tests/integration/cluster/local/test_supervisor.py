"""What ends for want of room on its disk comes back; nothing else does."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cluster.folder import ClusterFolder
from cluster.local.processes import is_alive, read_mark
from cluster.local.runtime import LocalRuntime
from cluster.runtime import Condition, Launch
from cluster.servers import zookeeper
from tests.small_disk import SmallDisk, small_disk
from tests.support import eventually

# A server that ends, as ZooKeeper does, when it cannot write; as a rule it says so.
NEEDS_ROOM = """
import os, sys, time
while os.statvfs('.').f_bfree: time.sleep(0.01)
print(os.strerror(28), file=sys.stderr)
"""
SLEEPS = "import time; time.sleep(600)"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "small", "4m") as disk:
        yield disk


class Kept:
    """One part that a supervisor runs on the small disk; its log and its mark are not there."""

    def __init__(self, folder: ClusterFolder, disk: SmallDisk) -> None:
        self.runtime = LocalRuntime(folder, {})
        self._disk = disk
        self._supervisor_file = folder.run / "x-1.supervisor"

    def begin(self, code: str) -> None:
        """It may have ended again when this returns."""
        command = [sys.executable, "-c", code]
        self.runtime.launch(Launch("x-1", command, self._disk.path, room_mib=1))

    def launch(self, code: str) -> int:
        self.begin(code)
        pid = self.runtime.pid("x-1")
        assert pid is not None
        return pid

    def has_supervisor(self) -> bool:
        mark = read_mark(self._supervisor_file)
        return mark is not None and is_alive(mark)

    async def until(self, condition: Condition) -> None:
        await eventually(lambda: self.runtime.condition("x-1") is condition)


@pytest.fixture
async def kept(tmp_path: Path, disk: SmallDisk) -> AsyncIterator[Kept]:
    kept = Kept(ClusterFolder(tmp_path, "kept"), disk)
    yield kept
    await kept.runtime.kill("x-1")
    assert not kept.has_supervisor()


@pytest.mark.parametrize("end", ["sys.exit(1)", "sys.exit(0)", "os.abort()"])
async def test_a_server_that_ended_on_a_full_disk_comes_back_with_room(
    kept: Kept, disk: SmallDisk, end: str
) -> None:
    first = kept.launch(NEEDS_ROOM + end)
    disk.fill()
    await kept.until(Condition.WAITING)
    disk.free()
    await kept.until(Condition.RUNNING)
    assert kept.runtime.pid("x-1") != first


async def test_a_server_that_could_not_say_why_it_ended_comes_back_too(
    kept: Kept, disk: SmallDisk
) -> None:
    silent = NEEDS_ROOM.replace("print(", "time.sleep(2.5); (lambda *_, **__: 0)(")
    first = kept.launch(silent)
    disk.fill()
    await kept.until(Condition.WAITING)
    disk.free()
    await eventually(lambda: kept.runtime.pid("x-1") not in (None, first))


async def test_a_server_that_ended_otherwise_stays_dead(kept: Kept) -> None:
    kept.begin("raise SystemExit(1)")
    await kept.until(Condition.DEAD)
    assert not kept.has_supervisor()


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
async def test_a_server_that_was_killed_on_a_full_disk_stays_dead(
    kept: Kept, disk: SmallDisk, signum: int
) -> None:
    pid = kept.launch(SLEEPS)
    disk.fill()
    os.kill(pid, signum)
    await kept.until(Condition.DEAD)
    assert not kept.has_supervisor()


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_what_waits_for_room_can_be_stopped(kept: Kept, disk: SmallDisk, how: str) -> None:
    kept.launch(NEEDS_ROOM)
    disk.fill()
    await kept.until(Condition.WAITING)
    if how == "stop":
        await kept.runtime.stop("x-1", patience_s=10, hurry=True)
    else:
        await kept.runtime.kill("x-1")
    assert kept.runtime.condition("x-1") in (Condition.STOPPED, Condition.DEAD)
    assert not kept.has_supervisor()


async def test_what_waits_for_room_can_be_started(kept: Kept, disk: SmallDisk) -> None:
    kept.launch(NEEDS_ROOM)
    disk.fill()
    await kept.until(Condition.WAITING)
    pid = kept.launch(SLEEPS)
    disk.free()
    assert kept.runtime.condition("x-1") is Condition.RUNNING
    assert kept.runtime.pid("x-1") == pid


@pytest.mark.parametrize("room_mib", [1, 0])
async def test_nothing_is_started_whose_mark_cannot_be_saved(
    disk: SmallDisk, room_mib: int
) -> None:
    """The cluster's own folder is on the full disk: one error, and no process without a mark."""
    runtime = LocalRuntime(ClusterFolder(disk.path, "full"), {})
    (disk.path / "full" / "run").mkdir(parents=True)
    (disk.path / "full" / "logs").mkdir()
    (disk.path / "full" / "logs" / "x-1.log").write_bytes(b"x" * 10)  # a page with room in it
    disk.fill()
    code = f"'{disk.path}'\n{SLEEPS}"
    with pytest.raises(OSError, match="No space left"):
        runtime.launch(Launch("x-1", [sys.executable, "-c", code], Path("/"), {}, room_mib))
    await eventually(lambda: not _running(str(disk.path)))


def test_an_empty_transaction_log_does_not_keep_a_server_from_starting(tmp_path: Path) -> None:
    logs = tmp_path / "data" / "version-2"
    logs.mkdir(parents=True)
    for name, size in {"log.1": 4096, "log.2": 0, "log.3": 15, "snapshot.0": 0}.items():
        (logs / name).write_bytes(bytes(size))
    zookeeper.remove_empty_logs(tmp_path)
    assert sorted(path.name for path in logs.iterdir()) == ["log.1", "snapshot.0"]


def _running(word: str) -> list[str]:
    """Processes with that in their command line."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = file.read_text(errors="replace")
        except OSError:
            continue
        if word in text and file.parent.name != str(os.getpid()):
            found.append(text)
    return found
