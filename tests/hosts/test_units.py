"""The units of deploy/systemd: systemd reads them, they allow little, and processes run under what
of it can be tried without systemd.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.ports import free_ports
from tests.hosts.units import (
    COMMON,
    EXAMPLES,
    ROOT,
    SYSTEMD,
    read_environment,
    read_settings,
    read_unit,
)
from tests.support import TIMEOUT_FACTOR, eventually

ROLES = ("writer", "dispatcher", "node")
UNITS = (*(f"livecomments-{role}@1.service" for role in ROLES), "livecomments-gateway.service")
# Of 10, as `systemd-analyze security` counts; without any of our limits it is 9.6.
MOST_EXPOSED = 2.0
_OF_SYSTEMD = (
    "sysinit.target", "basic.target", "shutdown.target", "network-online.target", "system.slice",
    "multi-user.target", "-.slice", "tmp.mount", "systemd-tmpfiles-setup.service",
)  # fmt: skip
_PROGRAMS = (
    "opt/livecomments/.venv/bin/python", "usr/sbin/haproxy", "usr/bin/java", "bin/kill",
)  # fmt: skip
_PR_SET_NO_NEW_PRIVS, _PR_SET_MDWE, _MDWE_REFUSE_EXEC_GAIN = 38, 65, 1
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root of a file system with our units in their place."""
    folder = tmp_path / "etc" / "systemd" / "system"
    shutil.copytree(SYSTEMD, folder, ignore=shutil.ignore_patterns("etc", "*.sysusers"))
    for name in _OF_SYSTEMD:
        (folder / name).write_text("[Unit]\nDefaultDependencies=no\n" + _exec(name))
    for name in _PROGRAMS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("/bin/true", tmp_path / name)
    return tmp_path


def _exec(name: str) -> str:
    return "[Service]\nExecStart=/bin/kill\n" if name.endswith(".service") else ""


@needs_systemd
def test_systemd_reads_them_without_complaint(root: Path) -> None:
    command = ["systemd-analyze", "verify", "--man=no", f"--root={root}"]
    units = [*UNITS, "livecomments.target", "zookeeper.service"]
    done = subprocess.run([*command, *units], capture_output=True, text=True, timeout=60)
    lines = done.stderr.splitlines()
    about_ours = [line for line in lines if "livecomments" in line or "zookeeper" in line]
    assert not about_ours
    assert done.returncode == 0, done.stderr


@needs_systemd
@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_allows_little(root: Path, unit: str) -> None:
    command = ["systemd-analyze", "security", "--offline=true", f"--root={root}", "--no-pager"]
    done = subprocess.run(
        [*command, f"--threshold={MOST_EXPOSED * 10:.0f}", unit],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout


def test_a_unit_does_not_say_what_would_not_count() -> None:
    """systemd reads the files of a unit's folders after it, by their names: what all share would
    take the place of what the unit says.
    """
    shared = read_settings(COMMON).keys() - {"Environment"}  # of which there may be several
    for unit in SYSTEMD.glob("livecomments-*.service"):
        assert not shared & read_settings(unit).keys(), unit.name
    own = [path for path in SYSTEMD.glob("*.service.d/*.conf") if path != COMMON]
    assert all(path.name > COMMON.name for path in own)
    assert own


def _confine() -> None:
    """What MemoryDenyWriteExecute and NoNewPrivileges do, by the kernel's own means."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    assert prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    prctl(_PR_SET_MDWE, _MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)  # Linux 6.3 or newer


async def test_a_writer_runs_so_confined_and_ends_with_0(tmp_path: Path) -> None:
    """With SQLite, and Redis away, so that it needs nobody."""
    etc = tmp_path / "etc"
    etc.mkdir()
    public, internal, ops, nobody = free_ports(4)
    certs = [sys.executable, "-m", "cluster", "certs", str(etc / "tls"), "writer/writer-1"]
    subprocess.run(certs, cwd=ROOT, check=True, capture_output=True)
    (etc / "common.env").write_text(
        f"TOPOLOGY=gateway\nREDIS_URL=redis://127.0.0.1:{nobody}\nDRAIN_NOTICE_S=0\n"
    )
    (etc / "writer.env").write_text(
        f"PUBLIC_PORT={public}\nINTERNAL_PORT={internal}\nOPS_PORT={ops}\n"
        f"SQLITE_PATH={tmp_path}/comments.sqlite3\n"
    )
    unit = read_unit("writer", "1", etc)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            unit.command,
            cwd=ROOT,
            env=os.environ | unit.environment,
            stderr=log,
            preexec_fn=_confine,
        )
    try:
        await eventually(lambda: _ready(ops) or process.poll() is not None, 60)
        assert process.poll() is None, (tmp_path / "log").read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(unit.stop_within_s * TIMEOUT_FACTOR) == 0
    finally:
        process.kill()
        process.wait()


def _ready(port: int) -> bool:
    asked = ["curl", "-fsS", "-o", "/dev/null", f"http://127.0.0.1:{port}/readyz"]
    return subprocess.run(asked, capture_output=True).returncode == 0


@pytest.mark.parametrize("path", sorted(EXAMPLES.iterdir()), ids=lambda path: path.name)
def test_examples_name_only_variables_that_there_are(path: Path) -> None:
    known = (ROOT / "docs" / "operations.md").read_text()
    assert [name for name in read_environment(path) if f"`{name}`" not in known] == []
