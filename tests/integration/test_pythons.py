"""Which Pythons the tests are run on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import pythons


def put(path: Path, says: str, status: int = 0) -> Path:
    """A program that stands for a Python and says what it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {says}\nexit {status}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Two folders on PATH, and one for pyenv; they are empty."""
    path = os.pathsep.join(str(tmp_path / name) for name in ("first", "second"))
    return {"PATH": path, "PYENV_ROOT": str(tmp_path / "pyenv")}


def test_the_first_on_the_path_is_taken(tmp_path: Path, environ: dict[str, str]) -> None:
    put(tmp_path / "second" / "python3.12", "cpython 3.12")
    put(tmp_path / "pyenv" / "versions" / "3.12.1" / "bin" / "python3.12", "cpython 3.12")
    assert pythons.find_python("3.12", environ) == tmp_path / "second" / "python3.12"
    assert pythons.find_python("3.13", environ) is None


@pytest.mark.parametrize(
    ("says", "status"),
    [("cpython 3.13", 127), ("pypy 3.13", 0), ("cpython 3.13 t", 0), ("cpython 3.11", 0)],
)
def test_what_is_not_that_python_is_passed_over(
    tmp_path: Path, environ: dict[str, str], says: str, status: int
) -> None:
    """Such as a wrapper of pyenv for a version that is not chosen."""
    put(tmp_path / "first" / "python3.13", says, status)
    assert pythons.find_python("3.13", environ) is None
    right = put(tmp_path / "second" / "python3.13", "cpython 3.13")
    assert pythons.find_python("3.13", environ) == right


def test_pyenvs_newest_release_is_taken(tmp_path: Path, environ: dict[str, str]) -> None:
    versions = tmp_path / "pyenv" / "versions"
    for name in ("3.12.2", "3.12.10", "3.12.11t", "3.12-dev"):
        put(versions / name / "bin" / "python3.12", "cpython 3.12")
    newest = versions / "3.12.10" / "bin" / "python3.12"
    assert pythons.find_python("3.12", environ) == newest
    put(tmp_path / "first" / "pyenv", str(tmp_path / "pyenv"))
    assert pythons.find_python("3.12", {"PATH": environ["PATH"]}) == newest


def test_where_none_is_found_it_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], environ: dict[str, str]
) -> None:
    monkeypatch.setattr(os, "environ", environ)
    assert pythons.main([]) == 0
    assert "nothing was tested" in capsys.readouterr().out
    assert pythons.main(["3.12"]) == 1, "it was asked for"


def test_one_that_fails_is_named_and_the_others_are_tried(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    environ: dict[str, str],
) -> None:
    """The project is a folder whose environments are made of programs that fail or do not."""
    for version in ("3.12", "3.13"):
        put(tmp_path / "first" / f"python{version}", f"cpython {version}")
    script = tmp_path / "cluster" / "bootstrap.sh"
    put(script, "made").write_text('#!/bin/sh\nmkdir -p "$2/bin"\ncp "$PYTHON" "$2/bin/python"\n')
    monkeypatch.setattr(os, "environ", environ | {"PATH": f"{environ['PATH']}:{os.defpath}"})
    monkeypatch.setattr(pythons, "CHECKOUT", tmp_path)
    assert pythons.main([]) == 0
    broken = tmp_path / "first" / "python3.12"
    # It says what it is, and can do nothing else.
    broken.write_text('#!/bin/sh\n[ "$1" = -S ] && echo cpython 3.12 && exit\nexit 1\n')
    assert pythons.main([]) == 1
    said = capsys.readouterr().out
    assert "Python 3.12: mypy failed" in said
    assert "Python 3.14: not found" in said
    assert said.count("Python 3.13: mypy passed") == 2
    assert said.endswith("failed: 3.12\n")
