"""Another revision of this product in a temporary folder, to be measured beside the tree we are in.

A tree is run by its own code: its commands start in its folder, and Python finds the packages of
the current directory before those that are installed. The interpreter is ours if both trees name
the same packages; else the revision gets an environment of its own, which has to be downloaded.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.child import BenchFailed
from cluster.folder import CHECKOUT

# The last revision that sent a request for each batch of comments; since then processes keep links.
OLD_REVISION = "5139254069cf2ec8d6ea595530b131fa7ce6067a"
_PINS = "requirements.txt"
_GIT_WITHIN_S = 60.0
_SETUP_WITHIN_S = 300.0
_SHORT = 7
_LINES_SHOWN = 10


class NoRevision(BenchFailed):
    """There is no such revision here, or it cannot be run; the text says why."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The sources of one revision, and the interpreter that runs them."""

    name: str
    path: Path
    python: Path


def working_tree() -> Tree:
    """The one that this code is part of, with all that is not committed yet."""
    return Tree("this tree", CHECKOUT, Path(sys.executable))


def why_missing(revision: str, repository: Path = CHECKOUT) -> str:
    """Why `unpacked` would find no such revision; nothing if it would."""
    try:
        _find_commit(revision, repository)
    except NoRevision as exc:
        return str(exc)
    return ""


@contextmanager
def unpacked(revision: str, repository: Path = CHECKOUT) -> Iterator[Tree]:
    """The tree of a revision, removed afterwards. Raises NoRevision."""
    commit = _find_commit(revision, repository)
    archive = _git(repository, "archive", "--format=zip", commit)
    with TemporaryDirectory(prefix="livecomments-revision-") as folder:
        path = Path(folder)
        with zipfile.ZipFile(io.BytesIO(archive)) as file:
            file.extractall(path)
        yield Tree(f"revision {commit[:_SHORT]}", path, _interpreter(path, repository))


def _find_commit(revision: str, repository: Path) -> str:
    # Inside another repository git would look there.
    if not (repository / ".git").exists():
        raise NoRevision(f"{repository} has no history (no .git)")
    if revision.startswith("-"):
        raise NoRevision(f"{revision!r} is not a revision")
    try:
        return _git(repository, "rev-parse", "--verify", f"{revision}^{{commit}}").decode().strip()
    except NoRevision as exc:
        raise NoRevision(f"no revision {revision[:40]} in {repository}: {exc}") from exc


def _git(repository: Path, *arguments: str) -> bytes:
    return _run(["git", "-C", str(repository), *arguments], repository, _GIT_WITHIN_S)


def _interpreter(path: Path, repository: Path) -> Path:
    if (path / _PINS).read_bytes() == (repository / _PINS).read_bytes():
        return Path(sys.executable)
    _run(["sh", "cluster/bootstrap.sh"], path, _SETUP_WITHIN_S)
    return path / ".venv" / "bin" / "python"


def _run(command: list[str], folder: Path, within_s: float) -> bytes:
    """What it prints. Raises NoRevision with the end of its complaint."""
    # In a hook of git, variables of its own would name another repository.
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            check=True,
            timeout=within_s,
        )
    except subprocess.CalledProcessError as exc:
        complaint = exc.stderr.decode(errors="replace").strip().splitlines()[-_LINES_SHOWN:]
        raise NoRevision(f"{command[0]}: {' / '.join(complaint)}") from exc
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise NoRevision(f"{command[0]}: {exc}") from exc
    return done.stdout
