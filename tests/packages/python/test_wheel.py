"""The wheel: built, installed into an empty environment with the oldest Python that this machine
has and the package supports, and used there. PyPI is all of the network that this needs.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

import livecomments_client
from tests.integration.single.single_process import SingleProcess
from tests.pythons import find_python
from tests.service_process import ROOT
from tests.support import TIMEOUT_FACTOR, started

PROJECT = ROOT / "clients" / "python"
# Each installs from PyPI, and mypy checks httpx too.
pytestmark = pytest.mark.timeout(300 * TIMEOUT_FACTOR)
VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")

_PROGRAM = """
import asyncio, sys
import livecomments_client
from livecomments_client import AsyncClient, Client, Comment, Posted

async def post(url):
    async with AsyncClient(url) as client:
        assert isinstance(await client.video("v").post("hi", author="ann"), Posted)

assert livecomments_client.__file__.startswith(sys.prefix)
asyncio.run(post(sys.argv[1]))
with Client(sys.argv[1]) as client:
    for event in client.video("v").events():
        if isinstance(event, Comment):
            print(event.text)
            break
"""

# What somebody writes who has it installed, and checks strictly.
_TYPED = """
import asyncio

from livecomments_client import (
    AsyncClient, Client, Comment, Gap, Held, Posted, Problem, State, Unreachable,
)


def token(why: str) -> str | None:
    return None if why == "missing" else why


async def read(url: str) -> list[int]:
    seqs: list[int] = []
    async with AsyncClient(url, token=token) as client:
        video = client.video("v", history=3)
        async with video.events() as events:
            async for event in events:
                if isinstance(event, Comment):
                    seqs.append(event.seq)
                elif isinstance(event, Gap) and not event.filled:
                    break
        page = await video.history(limit=3)
        return seqs + [comment.seq for comment in page.items]


def post(url: str) -> str:
    with Client(url) as client:
        video = client.video("v")
        key: str | None = None
        try:
            posted = video.post("hi", author="ann", key=key)
        except (Problem, Unreachable) as exc:
            key = exc.key
            return f"{key} {video.state is State.LIVE}"
        if isinstance(posted, Held):
            return posted.expires_at.isoformat()
        return posted.comment.text


asyncio.run(read("http://127.0.0.1"))
"""
_WRONG = """
from livecomments_client import Client

Client("http://127.0.0.1").video("v").post(7)
"""


def build(folder: Path) -> Path:
    """The wheel, from a copy: building leaves files beside the sources."""
    source = folder / "source"
    shutil.copytree(PROJECT, source, ignore=shutil.ignore_patterns("*.egg-info", "build"))
    run(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        folder,
        source,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


def run(*words: object, environ: Mapping[str, str] | None = None) -> str:
    command = [str(word) for word in words]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=dict(environ or os.environ),
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def oldest_python() -> str:
    found = (find_python(version, os.environ) for version in VERSIONS)
    return str(next(filter(None, found), sys.executable))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def clean() -> dict[str, str]:
    """Variables that do not lead to this checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


@pytest.fixture(scope="module")
def environment(
    wheel: Path, clean: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A virtual environment with the wheel and what it needs."""
    folder = tmp_path_factory.mktemp("project") / "environment"
    run(oldest_python(), "-m", "venv", folder, environ=clean)
    run(folder / "bin" / "pip", "install", "-q", wheel, environ=clean)
    return folder


def test_it_has_all_sources_their_types_and_the_licence(wheel: Path) -> None:
    version = livecomments_client.__version__
    assert wheel.name == f"livecomments_client-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = f"livecomments_client-{version}.dist-info"
        metadata = archive.read(f"{info}/METADATA").decode()
    sources = {
        path.relative_to(PROJECT / "src").as_posix()
        for path in (PROJECT / "src" / "livecomments_client").rglob("*")
        if path.suffix == ".py" or path.name == "py.typed"
    }
    assert {name for name in names if not name.startswith(info)} == sources
    assert f"{info}/licenses/LICENSE" in names
    assert "Requires-Python: >=3.10" in metadata
    assert "License-Expression: Apache-2.0" in metadata


async def test_it_installs_into_an_empty_environment_and_works_there(
    environment: Path, clean: dict[str, str], tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    async with started(SingleProcess(tmp_path)) as single:
        url = f"http://127.0.0.1:{single.public}"
        python = environment / "bin" / "python"
        said = await asyncio.to_thread(run, python, "-W", "error", program, url, environ=clean)
        assert said == "hi\n"


def test_a_project_of_its_users_type_checks_strictly(
    environment: Path, clean: dict[str, str], tmp_path: Path
) -> None:
    """Its types are found where it is installed, and a mistake is one."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "good.py").write_text(_TYPED)
    (project / "wrong.py").write_text(_WRONG)
    # As an editor does: mypy's own environment is not that of the project.
    flags = ("--strict", "--config-file=", "--python-executable", environment / "bin" / "python")
    checks = [sys.executable, "-m", "mypy", *flags, "--cache-dir", tmp_path / "cache"]
    run(*checks, project / "good.py", environ=clean)
    words = [str(word) for word in (*checks, project / "wrong.py")]
    wrong = subprocess.run(words, capture_output=True, text=True, env=clean)
    assert wrong.returncode == 1, wrong.stdout + wrong.stderr
    assert 'incompatible type "int"; expected "str"' in wrong.stdout
