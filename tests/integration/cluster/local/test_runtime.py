"""Real processes under the local runtime."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cluster.folder import ClusterFolder
from cluster.local.processes import ProcessMark, mark_of, write_mark
from cluster.local.runtime import LocalRuntime
from cluster.runtime import Condition, Launch
from tests.support import eventually

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
SLEEP = "print('up', flush=True)\nimport time; time.sleep(600)"


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[LocalRuntime]:
    runtime = LocalRuntime(ClusterFolder(tmp_path.parent, tmp_path.name), {})
    yield runtime
    for name in runtime.names():
        await runtime.kill(name)


async def start(runtime: LocalRuntime, code: str, **environment: str) -> int:
    runtime.launch(Launch("x-1", [sys.executable, "-c", code], Path("/"), environment))
    await eventually(lambda: "up" in runtime.log_tail("x-1", 5))
    pid = runtime.pid("x-1")
    assert pid is not None
    return pid


async def test_a_part_is_a_session_of_its_own_and_sees_only_its_environment(
    runtime: LocalRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "s")
    code = "import os; print(os.environ.get('SECRET'), os.environ['MINE'], flush=True)\n" + SLEEP
    pid = await start(runtime, code, MINE="m")
    assert os.getsid(pid) == pid
    assert "None m" in runtime.log_tail("x-1", 5)


async def test_a_part_has_all_descriptors_that_the_machine_allows(runtime: LocalRuntime) -> None:
    pid = await start(runtime, SLEEP)
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    assert soft == min(hard, 1_048_576)


async def test_what_runs_is_not_started_again(runtime: LocalRuntime) -> None:
    pid = await start(runtime, SLEEP)
    assert await start(runtime, SLEEP) == pid


async def test_another_runtime_of_the_folder_knows_the_part(
    runtime: LocalRuntime, tmp_path: Path
) -> None:
    await start(runtime, SLEEP)
    other = LocalRuntime(ClusterFolder(tmp_path.parent, tmp_path.name), {})
    assert other.condition("x-1") is Condition.RUNNING
    assert await other.stop("x-1", patience_s=10, hurry=False)
    assert runtime.condition("x-1") is Condition.STOPPED


async def test_a_killed_part_is_dead_and_starts_again(runtime: LocalRuntime) -> None:
    pid = await start(runtime, SLEEP)
    await runtime.kill("x-1")
    assert runtime.condition("x-1") is Condition.DEAD
    assert await start(runtime, SLEEP) != pid


async def test_a_part_that_ended_by_itself_is_dead_not_a_zombie(runtime: LocalRuntime) -> None:
    runtime.launch(Launch("x-1", [sys.executable, "-c", "raise SystemExit('no')"], Path("/")))
    await eventually(lambda: runtime.condition("x-1") is Condition.DEAD)
    assert "no" in runtime.log_tail("x-1", 5)


async def test_a_part_lives_until_its_last_thread_has_ended(runtime: LocalRuntime) -> None:
    """Its ports and files are held so long: a killed JVM is a zombie first, and gone later."""
    code = (
        "import ctypes, threading, time\n"
        "threading.Thread(target=time.sleep, args=(600,)).start()\n"
        "print('up', flush=True)\n"
        "ctypes.CDLL(None).pthread_exit(None)"
    )
    pid = await start(runtime, code)
    stat = Path(f"/proc/{pid}/stat")
    await eventually(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z")
    assert runtime.condition("x-1") is Condition.RUNNING
    await runtime.kill("x-1")
    assert runtime.condition("x-1") is Condition.DEAD


async def test_a_paused_part_is_told_apart_and_can_be_stopped(runtime: LocalRuntime) -> None:
    await start(runtime, SLEEP)
    runtime.pause("x-1")
    await eventually(lambda: runtime.condition("x-1") is Condition.PAUSED)
    runtime.resume("x-1")
    await eventually(lambda: runtime.condition("x-1") is Condition.RUNNING)
    runtime.pause("x-1")
    assert await runtime.stop("x-1", patience_s=10, hurry=False)


async def test_a_part_that_does_not_listen_is_forced_in_the_end(runtime: LocalRuntime) -> None:
    await start(runtime, STUBBORN + SLEEP)
    assert not await runtime.stop("x-1", patience_s=0.5, hurry=True)
    assert runtime.condition("x-1") is Condition.STOPPED


async def test_a_program_that_is_missing_is_dead_and_its_log_says_so(
    runtime: LocalRuntime,
) -> None:
    runtime.launch(Launch("x-1", ["/no/such/program"], Path("/")))
    await eventually(lambda: runtime.condition("x-1") is Condition.DEAD)
    assert "/no/such/program" in runtime.log_tail("x-1", 5)


@pytest.mark.parametrize("wrong", ["started", "boot"])
async def test_a_stranger_with_the_pid_of_a_part_is_never_touched(
    runtime: LocalRuntime, tmp_path: Path, wrong: str
) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as stranger:
        mark = mark_of(stranger.pid)
        assert mark is not None
        stale = {
            "started": ProcessMark(mark.pid, mark.started - 1, mark.boot),
            "boot": ProcessMark(mark.pid, mark.started, "another boot"),
        }[wrong]
        (tmp_path / "run").mkdir()
        write_mark(tmp_path / "run" / "x-1.pid", stale)
        assert runtime.condition("x-1") is Condition.DEAD
        await runtime.kill("x-1")
        assert await runtime.stop("x-1", patience_s=1, hurry=True)
        assert stranger.poll() is None
        stranger.kill()


async def test_a_mark_that_cannot_be_read_is_no_part(runtime: LocalRuntime, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "x-1.pid").write_text("")
    assert runtime.condition("x-1") is Condition.STOPPED
    assert await start(runtime, SLEEP)


async def test_a_copy_of_the_folder_has_no_part_of_the_original(
    runtime: LocalRuntime, tmp_path: Path
) -> None:
    pid = await start(runtime, SLEEP)
    shutil.copytree(tmp_path, tmp_path / "copy")
    copy = LocalRuntime(ClusterFolder(tmp_path, "copy"), {})
    assert copy.names() == []
    assert copy.condition("x-1") is Condition.STOPPED
    await copy.kill("x-1")
    assert await copy.stop("x-1", patience_s=1, hurry=True)
    assert runtime.pid("x-1") == pid


async def test_a_folder_that_is_moved_keeps_its_parts(
    runtime: LocalRuntime, tmp_path: Path
) -> None:
    pid = await start(runtime, SLEEP)
    folder = tmp_path / "moved"
    folder.mkdir()
    for name in ("run", "logs"):
        (tmp_path / name).rename(folder / name)
    moved = LocalRuntime(ClusterFolder(tmp_path, "moved"), {})
    assert (moved.names(), moved.pid("x-1")) == (["x-1"], pid)
    assert await moved.stop("x-1", patience_s=10, hurry=False)
    assert moved.names() == []


@pytest.mark.parametrize("content", [None, b"", b"{"])
async def test_a_part_whose_mark_is_lost_is_found_by_its_log(
    runtime: LocalRuntime, tmp_path: Path, content: bytes | None
) -> None:
    pid = await start(runtime, SLEEP)
    mark = tmp_path / "run" / "x-1.pid"
    mark.unlink()
    if content is not None:
        mark.write_bytes(content)
    assert (runtime.names(), runtime.pid("x-1")) == (["x-1"], pid)
    assert await start(runtime, SLEEP) == pid
    assert await runtime.stop("x-1", patience_s=10, hurry=False)
    assert runtime.names() == []
