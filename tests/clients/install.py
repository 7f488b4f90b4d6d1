"""Brings the clients from their registries and builds their programs, once, into a folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Collection
from pathlib import Path

from tests.clients.catalogue import PYTHON_PACKAGES

SOURCES = Path(__file__).parent
_TOOLS = {
    "python": (), "javascript": ("node", "npm"), "browser": ("npm", "chromium"), "go": ("go",),
    "java": ("java", "javac", "mvn"), "rust": ("cargo",), "shell": ("bash", "curl"),
}  # fmt: skip


class CannotInstall(Exception):
    """A tool is missing, or its registry or compiler refused; says which and why."""


def install(languages: Collection[str], built: Path) -> None:
    """Make ready whatever is in these languages. Raises CannotInstall."""
    lacking = {tool for one in languages for tool in _TOOLS[one] if shutil.which(tool) is None}
    if lacking:
        raise CannotInstall(f"not there: {', '.join(sorted(lacking))}")
    for language in sorted({"javascript" if one == "browser" else one for one in languages}):
        folder = built / language
        shutil.copytree(SOURCES / language, folder, dirs_exist_ok=True)
        _BUILDERS.get(language, _nothing)(folder)


def _nothing(_folder: Path) -> None:
    """Programs that run as they are."""


def _python(folder: Path) -> None:
    for name, packages in PYTHON_PACKAGES.items():
        interpreter = folder / name / "bin/python"
        if not interpreter.exists():
            _run(folder, sys.executable, "-m", "venv", name)
        _run(folder, str(interpreter), "-m", "pip", "install", "--quiet", *packages)


def _javascript(folder: Path) -> None:
    _run(folder, "npm", "install", "--no-package-lock", "--no-audit", "--no-fund")


def _go(folder: Path) -> None:
    (folder / "bin").mkdir(exist_ok=True)
    _run(folder, "go", "build", "-o", "bin/", "./...")


def _java(folder: Path) -> None:
    _run(folder, "mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib")
    sources = [str(source) for source in folder.glob("*.java")]
    _run(folder, "javac", "-cp", "lib/*", "-d", "classes", *sources)


def _rust(folder: Path) -> None:
    _run(folder, "cargo", "build", "--quiet", "--bins")


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotInstall(f"{' '.join(command)}: {(done.stdout + done.stderr)[-3000:]}")


_BUILDERS: dict[str, Callable[[Path], None]] = {
    "python": _python, "javascript": _javascript, "go": _go, "java": _java, "rust": _rust,
}  # fmt: skip
