"""Brings the clients from their registries and builds their programs, once, into a folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.clients.catalogue import PYTHON_PACKAGES

SOURCES = Path(__file__).parent
_TOOLS = {
    "python": (), "javascript": ("node", "npm"), "browser": ("npm", "chromium"), "go": ("go",),
    "java": ("java", "javac", "mvn"), "rust": ("cargo",), "shell": ("bash", "curl"),
}  # fmt: skip
_WITHIN_S = 300  # a registry that does not answer is given up


class CannotInstall(Exception):
    """A tool is missing, or its registry or compiler refused; says which and why."""


def install(languages: Iterable[str], built: Path) -> dict[str, str]:
    """Make ready whatever is in these languages; of which that cannot be, and why."""
    lacking = {}
    for language in languages:
        try:
            _install(language, built)
        except CannotInstall as exc:
            lacking[language] = str(exc)
    return lacking


def _install(language: str, built: Path) -> None:
    """Raises CannotInstall."""
    missing = [tool for tool in _TOOLS[language] if shutil.which(tool) is None]
    if missing:
        raise CannotInstall(f"not there: {', '.join(missing)}")
    language = "javascript" if language == "browser" else language
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
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=_WITHIN_S
        )
    except subprocess.TimeoutExpired:
        raise CannotInstall(f"{' '.join(command)}: took more than {_WITHIN_S} s") from None
    if done.returncode:
        raise CannotInstall(f"{' '.join(command)}: {(done.stdout + done.stderr)[-3000:]}")


_BUILDERS: dict[str, Callable[[Path], None]] = {
    "python": _python, "javascript": _javascript, "go": _go, "java": _java, "rust": _rust,
}  # fmt: skip
