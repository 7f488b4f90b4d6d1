"""`python -m tests.pythons [VERSION...]`: checks, unit and contract tests on every newer Python.

Looked for are python3.12, python3.13 and python3.14: on PATH, then among the versions that pyenv
keeps. Each has an environment of its own, `.pythons/VERSION`, made by cluster/bootstrap.sh and kept
for the next run. Exit status: 1 if something fails, or a VERSION that was named is not found.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
VERSIONS = ("3.12", "3.13", "3.14")
_ENVIRONMENTS = ".pythons"
_SAYS_WHAT_IT_IS = (
    "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2], sys.abiflags)"
)
_TAIL_LINES = 40


def main(asked: Sequence[str]) -> int:
    """Check on each version that is found; all are tried, whatever fails. The exit status."""
    found = {version: find_python(version, os.environ) for version in asked or VERSIONS}
    for version, python in found.items():
        print(f"Python {version}: {python or 'not found'}", flush=True)
    failed = [version for version, python in found.items() if asked and python is None]
    for version, python in found.items():
        if python is not None and not _passes(version, python):
            failed.append(version)
    if not any(found.values()):
        print(f"nothing was tested: there is no Python {' or '.join(found)} here")
    elif failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def find_python(version: str, environ: Mapping[str, str]) -> Path | None:
    """A CPython of this version, such as "3.12". What is called so may be a wrapper for a version
    that is not there, so each is asked.
    """
    return next((path for path in _candidates(version, environ) if _is(path, version)), None)


def _candidates(version: str, environ: Mapping[str, str]) -> Iterator[Path]:
    name = f"python{version}"
    for folder in environ.get("PATH", "").split(os.pathsep):
        if (path := Path(folder) / name).is_file():
            yield path
    root = _pyenv_root(environ)
    if root is not None:
        released = re.compile(rf"{re.escape(version)}\.(\d+)")
        kept = [released.fullmatch(folder.name) for folder in (root / "versions").glob("*")]
        for match in sorted(filter(None, kept), key=lambda match: int(match[1]), reverse=True):
            yield root / "versions" / match[0] / "bin" / name


def _pyenv_root(environ: Mapping[str, str]) -> Path | None:
    if root := environ.get("PYENV_ROOT"):
        return Path(root)
    pyenv = shutil.which("pyenv", path=environ.get("PATH", ""))
    if pyenv is None:
        return None
    said = subprocess.run([pyenv, "root"], capture_output=True, text=True)
    return Path(said.stdout.strip()) if said.returncode == 0 else None


def _is(python: Path, version: str) -> bool:
    """Not PyPy, and not a build without the global lock, for which packages have no wheels."""
    try:
        said = subprocess.run(
            [python, "-S", "-c", _SAYS_WHAT_IT_IS], capture_output=True, text=True
        )
    except OSError:
        return False
    return said.returncode == 0 and said.stdout.split() == ["cpython", version]


def _passes(version: str, python: Path) -> bool:
    """Everything is run, whatever fails before; without an environment nothing can be."""
    folder = Path(_ENVIRONMENTS) / version
    made = _run(version, "environment", ["cluster/bootstrap.sh", "dev", str(folder)], python)
    if not made:
        return False
    program, cache = [str(folder / "bin" / "python"), "-m"], folder / ".cache"
    steps = {
        "ruff format": ["ruff", "format", "--check", "."],
        "ruff check": ["ruff", "check", "."],
        "mypy": ["mypy", "--python-version", version, "--cache-dir", str(cache / "mypy")],
        "unit and contract tests": [
            *("pytest", "-q", "-m", "not chaos", "-n", "auto", "--dist", "loadgroup"),
            *("-o", f"cache_dir={cache / 'pytest'}"),
            *("tests/unit", "tests/contracts"),
        ],
    }
    passed = [_run(version, step, [*program, *words], python) for step, words in steps.items()]
    return all(passed)


def _run(version: str, step: str, command: Sequence[str], python: Path) -> bool:
    """Run it and print one line; what it printed too, if it fails."""
    began = time.monotonic()
    done = subprocess.run(
        command,
        cwd=CHECKOUT,
        env=dict(os.environ) | {"PYTHON": str(python)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    lines = done.stdout.splitlines()
    if done.returncode:
        print("\n".join(lines[-_TAIL_LINES:]))
    verdict = "failed" if done.returncode else "passed"
    last = f" ({lines[-1].strip()})" if lines else ""
    took_s = time.monotonic() - began
    print(f"Python {version}: {step} {verdict} in {took_s:.0f} s{last}", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
