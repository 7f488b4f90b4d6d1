"""The command as a person runs it: pipes that end, closed streams, odd names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.folder import CHECKOUT, HOME_VARIABLE
from cluster.settings import Settings
from tests.support import TIMEOUT_FACTOR

NAME = "command"
ENDS_WITHIN_S = 60 * TIMEOUT_FACTOR


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """With a cluster that does not run, and that has printed a lot."""
    cluster = Cluster.create(Settings(NAME, topology="single"), tmp_path)
    cluster.folder.logs.mkdir()
    (cluster.folder.logs / "single-1.log").write_text("a line\n" * 20_000)
    return tmp_path


def run(home: Path, line: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A line of a shell in which `livecomments` is the command."""
    limited = f"timeout {ENDS_WITHIN_S} {sys.executable}"  # none is left behind
    command = f'livecomments() {{ {limited} -m cluster "$@"; }}; {line}'
    return subprocess.run(
        ["bash", "-c", command],
        cwd=CHECKOUT,
        env=dict(os.environ) | {HOME_VARIABLE: str(home), "CLUSTER": NAME} | variables,
        capture_output=True,
        text=True,
        timeout=3 * ENDS_WITHIN_S,
    )


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("logs -n 20000", 0),
        ("logs -f -n 20000", 0),
        ("logs -f -n 0", 0),  # it prints nothing, so it meets no broken pipe
        ("status", 1),  # the cluster does not run
        ("status --json", 1),
        ("down", 0),
        ("clean", 0),
    ],
)
def test_a_reader_that_has_seen_enough_is_no_error(home: Path, command: str, status: int) -> None:
    done = run(home, f"livecomments {command} | head -0; echo ${{PIPESTATUS[0]}}")
    assert (done.stdout, done.stderr) == (f"{status}\n", "")
    assert command != "clean" or not (home / NAME).exists()


def test_closed_streams_change_nothing(home: Path) -> None:
    done = run(home, "livecomments status >&-; echo $?; livecomments clean >&- 2>&- <&-; echo $?")
    assert (done.stdout, done.stderr) == ("1\n0\n", "")
    assert not (home / NAME).exists()


def test_a_letter_that_the_terminal_does_not_know_is_no_error(tmp_path: Path) -> None:
    home = tmp_path / "jürgen"
    Cluster.create(Settings(NAME), home)
    done = run(home, "livecomments down", LC_ALL="C", PYTHONIOENCODING="ascii")
    assert r"j\xfcrgen" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")


def test_a_home_that_cannot_be_is_told_with_its_variable(home: Path) -> None:
    file = home / "file"
    file.touch()
    for command in ("up", "dev"):
        done = run(file, f"livecomments {command}", RUNTIME="local", HTTP_PORT="")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"livecomments: {file}")
        assert done.stderr.endswith(f"set {HOME_VARIABLE} to another folder\n")
