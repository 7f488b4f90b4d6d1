"""dynalite and what it needs from npm, exactly as `dynalite_server/package-lock.json` has it.

Invariant: a folder has all of it, or it is not taken for filled: the lock file that it was made
from is put there last.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

from cluster.errors import NotInstalled

VERSION = "4.0.0"
FOLDER = f"dynalite-{VERSION}"
MODULES = "node_modules"
_SOURCE = Path(__file__).parent / "dynalite_server"
_MANIFEST, _LOCK, _STAMP = "package.json", "package-lock.json", ".made-from"
_NPM_CI = ("ci", "--no-audit", "--no-fund", "--ignore-scripts")
_WITHIN_S = 300.0
_TAIL_LINES = 15


def are_there(folder: Path) -> bool:
    """Whether the folder was filled from the lock file of today."""
    try:
        return (folder / _STAMP).read_bytes() == (_SOURCE / _LOCK).read_bytes()
    except FileNotFoundError:
        return False


def fetch(folder: Path) -> None:
    """Fill the folder by npm, unless it is. Several processes may ask at once: one does it, the
    others wait. Raises NotInstalled with the end of what npm printed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not are_there(folder):
            (folder / _STAMP).unlink(missing_ok=True)
            for name in (_MANIFEST, _LOCK):
                shutil.copy(_SOURCE / name, folder / name)
            _install(folder)
            shutil.copy(_SOURCE / _LOCK, folder / _STAMP)


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstalled("dynalite comes by npm, which is not here")
    command = [npm, *_NPM_CI]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_WITHIN_S,
        )
    except subprocess.TimeoutExpired as exc:
        raise NotInstalled(f"`npm ci` took longer than {exc.timeout:.0f} s") from exc
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-_TAIL_LINES:])
        raise NotInstalled(f"{tail}\n`npm ci` failed with {done.returncode}")
