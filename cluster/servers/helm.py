"""Helm, with which tests render the chart. It is built by Go from its module, whose checksum Go
compares with the public log; so nothing but Go is needed of the machine.

Invariant: the folder has the whole program of VERSION, or none. Go keeps what it has fetched and
compiled in its own caches, so that another checkout builds it within seconds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from cluster.errors import NotInstalled

VERSION = "v3.22.0"
FOLDER = f"helm-{VERSION}"
_MODULE = f"helm.sh/helm/v3/cmd/helm@{VERSION}"
_BUILT_WITHIN_S = 1800.0
_TAIL_LINES = 10


def find_helm(folder: Path) -> str | None:
    """The helm command: the one in `folder`, else the machine's; None if there is neither."""
    return shutil.which("helm", path=str(folder)) or shutil.which("helm")


def find_go() -> str | None:
    """The go command, or None."""
    return shutil.which("go")


def build(folder: Path) -> None:
    """Put the program into `folder`. Raises NotInstalled with the end of what Go printed."""
    go = find_go()
    if go is None:
        raise NotInstalled("Helm is built by Go, which is not here")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".helm-", dir=folder.parent) as scratch:
        _install(go, Path(scratch))
        folder.mkdir(exist_ok=True)
        (Path(scratch) / "helm").replace(folder / "helm")


def _install(go: str, scratch: Path) -> None:
    environment = os.environ | {
        "GOBIN": str(scratch),
        "GOTOOLCHAIN": "local",  # another Go is not fetched
        "CGO_ENABLED": "0",
    }
    command = [go, "install", "-trimpath", "-ldflags", "-s -w", _MODULE]
    try:
        done = subprocess.run(
            command,
            cwd=scratch,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            text=True,
            errors="replace",
            timeout=_BUILT_WITHIN_S,
        )
    except subprocess.TimeoutExpired as exc:
        raise NotInstalled(f"`{' '.join(command)}` took longer than {exc.timeout:.0f} s") from exc
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-_TAIL_LINES:])
        raise NotInstalled(f"{tail}\n`{' '.join(command)}` failed with {done.returncode}")
