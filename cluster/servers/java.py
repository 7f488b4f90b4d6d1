"""Finding Java: a machine may have several, and not every program runs on every one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_JAVA_HOMES = Path("/usr/lib/jvm")
_VERSION = re.compile(r'version "(\d+)')
_ANSWERS_WITHIN_S = 20.0


def find_any_java() -> str | None:
    """The java command that a person would get, or None."""
    return shutil.which("java")


@cache
def find_java(version: int) -> str | None:
    """A java command of exactly this version, or None.

    Looks at JAVA_HOME, at the one on PATH, then at all that the system's packages put into
    /usr/lib/jvm; asks each for its version, which takes 0.1 s. The answer is kept.
    """
    for command in _candidates():
        if _version_of(command) == version:
            return command
    return None


def _candidates() -> Iterator[str]:
    if "JAVA_HOME" in os.environ:
        yield str(Path(os.environ["JAVA_HOME"]) / "bin" / "java")
    if found := find_any_java():
        yield found
    yield from (str(path) for path in sorted(_JAVA_HOMES.glob("*/bin/java")))


def _version_of(command: str) -> int | None:
    try:
        done = subprocess.run(
            [command, "-version"], capture_output=True, text=True, timeout=_ANSWERS_WITHIN_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(done.stderr)  # `openjdk version "17.0.15" 2025-04-15`
    return int(found[1]) if found else None
