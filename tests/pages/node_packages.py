"""What the tests of the pages use from npm, as `package-lock.json` has it."""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent
_MODULES = FOLDER / "node_modules"
_STAMP = _MODULES / ".made-from"
_LOCK = FOLDER / "package-lock.json"
_WITHIN_S = 300


def ensure_packages() -> Path:
    """Install them unless they are there as the lock file says; the folder that holds them. Tests
    in several processes may ask at once: one installs, the others wait. npm
    has to be there.
    """
    with _LOCK.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install()
    return _MODULES


def _install() -> None:
    if not _STAMP.exists() or _STAMP.read_bytes() != _LOCK.read_bytes():
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(
            command, cwd=FOLDER, capture_output=True, text=True, timeout=_WITHIN_S
        )
        assert done.returncode == 0, done.stdout + done.stderr
        _STAMP.write_bytes(_LOCK.read_bytes())
