"""The environment of a checkout: made where it is used, and of nothing that a person's shell holds.

A real virtual environment; pip is a script that tells how it was called: packages take a minute.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
_FILES = (
    "requirements.txt",
    "requirements-dynamodb.txt",
    "requirements-dev.txt",
    "setup.cfg",
    "pyproject.toml",
    "Makefile",
)
_PYTHON = f"""\
#!/bin/sh
# Makes environments without pip, and puts a pip of its own into them.
[ "$1 $2" = "-m venv" ] || exec {sys.executable} "$@"
{sys.executable} -m venv --without-pip "$3"
printf '#!/bin/sh\\n{{ pwd; env; }} >>../calls\\n' >"$3/bin/pip"
chmod +x "$3/bin/pip"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the script looks at, below a name with a space."""
    checkout = tmp_path / "a person" / "first"
    (checkout / "cluster").mkdir(parents=True)
    (checkout / "cluster" / "__init__.py").touch()
    shutil.copy(CHECKOUT / "cluster" / "bootstrap.sh", checkout / "cluster")
    for name in _FILES:
        shutil.copy(CHECKOUT / name, checkout)
    python = tmp_path / "python"
    python.write_text(_PYTHON)
    python.chmod(0o755)
    return checkout


def bootstrap(checkout: Path, *words: str, **environment: str) -> str:
    """Run it; what pip said of its calls, "" if there were none."""
    python = checkout.parents[1] / "python"
    calls = checkout.parent / "calls"
    calls.unlink(missing_ok=True)
    environ = {"PATH": os.environ["PATH"], "PYTHON": str(python)} | environment
    subprocess.run([checkout / "cluster" / "bootstrap.sh", *words], env=environ, check=True)
    return calls.read_text() if calls.exists() else ""


def test_a_copied_and_a_moved_checkout_get_environments_of_their_own(checkout: Path) -> None:
    assert str(checkout) in bootstrap(checkout)
    assert bootstrap(checkout) == "", "a second run does nothing"
    copy = checkout.with_name("copy")
    shutil.copytree(checkout, copy, symlinks=True)
    assert str(copy) in bootstrap(copy)
    assert str(copy) in (copy / ".venv" / "bin" / "activate").read_text()
    moved = checkout.rename(checkout.with_name("moved"))
    assert str(moved) in bootstrap(moved)


def test_an_environment_that_is_linked_to_is_left_alone(checkout: Path) -> None:
    bootstrap(checkout)
    other = checkout.with_name("other")
    shutil.copytree(checkout, other, ignore=shutil.ignore_patterns(".venv"))
    (other / ".venv").symlink_to(checkout / ".venv")
    assert str(other) in bootstrap(other)
    assert not (other / ".venv").is_symlink()
    assert bootstrap(checkout) == ""


@pytest.mark.parametrize("damage", ["bin/python", ".made-in"])
def test_an_environment_that_is_not_whole_is_made_anew(checkout: Path, damage: str) -> None:
    bootstrap(checkout)
    (checkout / ".venv" / damage).unlink()
    assert str(checkout) in bootstrap(checkout)


def test_another_python_gets_an_environment_in_a_folder_of_its_own(checkout: Path) -> None:
    bootstrap(checkout)
    folder = ".others/3.12"
    assert str(checkout) in bootstrap(checkout, "dev", folder)
    assert (checkout / folder / "bin" / "python").exists()
    assert bootstrap(checkout, "dev", folder) == ""
    assert bootstrap(checkout) == "", "the usual one is left alone"


def test_a_shell_says_where_packages_are_but_not_where_they_go(checkout: Path) -> None:
    said = bootstrap(
        checkout,
        PIP_USER="1",
        PIP_TARGET="/elsewhere",
        PIP_INDEX_URL="https://packages.example/simple",
        PYTHONHOME="/elsewhere",
        PYTHONPATH="/elsewhere",
    ).splitlines()
    assert "PIP_INDEX_URL=https://packages.example/simple" in said
    assert "PIP_USER=0" in said
    assert not [line for line in said if "/elsewhere" in line]


def test_make_hands_no_python_path_on(checkout: Path) -> None:
    foreign = {"PYTHONPATH": "/elsewhere", "PYTHONHOME": "/elsewhere", "PYTHON": "python3.11"}
    environ = {"PATH": os.environ["PATH"]} | foreign
    show = ["make", "-s", "-C", str(checkout), "--eval", "show: ; @env", "show"]
    said = subprocess.run(show, env=environ, check=True, capture_output=True, text=True).stdout
    assert "PYTHON=python3.11" in said
    assert "/elsewhere" not in said
