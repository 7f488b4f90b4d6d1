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
from tests.support import started

PROJECT = ROOT / "clients" / "python"
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
    wheel: Path, tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def install() -> None:
        run(oldest_python(), "-m", "venv", environment, environ=clean)
        run(environment / "bin" / "pip", "install", "-q", wheel, environ=clean)

    await asyncio.to_thread(install)
    async with started(SingleProcess(tmp_path)) as single:
        url = f"http://127.0.0.1:{single.public}"
        python = environment / "bin" / "python"
        said = await asyncio.to_thread(run, python, "-W", "error", program, url, environ=clean)
        assert said == "hi\n"
