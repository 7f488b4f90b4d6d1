"""The package as its users get it: what its parts import, its examples and its texts."""

from __future__ import annotations

import ast
import asyncio
import os
import re
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import livecomments_client
from livecomments_client import AsyncClient, Comment, Removed
from tests.identity_variables import with_keys
from tests.integration.single.conftest import Single
from tests.packages.python.programs import SOURCES
from tests.service_process import ROOT
from tests.support import TIMEOUT_FACTOR, eventually
from tests.tokens import Signer, roles
from tests.unit.test_layers import imported

PACKAGE = SOURCES / "livecomments_client"
PROJECT = ROOT / "clients" / "python"
CORE = sorted((PACKAGE / "_core").glob("*.py"))
EDGES = {"_async_driver.py", "_http.py", "_sync_driver.py", "async_client.py", "sync_client.py"}
IO = {
    "anyio",
    "asyncio",
    "http",
    "httpx",
    "inspect",
    "socket",
    "ssl",
    "threading",
    "urllib.request",
}


def libraries(path: Path) -> set[str]:
    """Of those that do I/O, or wait."""
    return {name for each in imported(path) for name in IO if f"{each}.".startswith(f"{name}.")}


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_the_core_does_no_io_and_knows_no_client(path: Path) -> None:
    assert libraries(path) == set()
    outside = {
        name
        for each in imported(path)
        if (name := each.removeprefix("livecomments_client.")) != each
    }
    assert all(name.startswith(("_core.", "errors.", "events.", "models.")) for name in outside)


def test_edges_are_those_files_that_are_named_here() -> None:
    assert {path.name for path in PACKAGE.glob("*.py") if libraries(path)} == EDGES


def test_no_file_is_long() -> None:
    files = [*PACKAGE.rglob("*.py"), *(PROJECT / "examples").glob("*.py")]
    assert [path.name for path in files if len(path.read_text().splitlines()) > 250] == []


def test_everything_that_is_named_is_there_and_has_a_text() -> None:
    for name in livecomments_client.__all__:
        named = getattr(livecomments_client, name)
        assert getattr(named, "__doc__", None), name
    assert sorted(livecomments_client.__all__) == list(livecomments_client.__all__)


def test_the_changelog_begins_with_this_version() -> None:
    newest = re.search(r"^## (\S+)", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == livecomments_client.__version__


def test_code_of_the_readme_is_python_and_names_what_exists() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", (PROJECT / "README.md").read_text(), re.M | re.S)
    assert len(blocks) > 5
    for block in blocks:
        compile(block, "README.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    assert hasattr(livecomments_client, alias.name), alias.name


def test_calls_of_the_readme_exist() -> None:
    text, table = (PROJECT / "README.md").read_text().split("## If you know another library")
    text += "".join(line.split("|")[-2] for line in table.splitlines() if "|" in line)
    named = set(re.findall(r"`(?:video\.)?(\w+)\(", text)) | set(
        re.findall(r"video\.(\w+)\(", text)
    )
    known = {
        name
        for kind in ("AsyncVideo", "AsyncModeration", "AsyncClient", "Events", "Video")
        for name in dir(getattr(livecomments_client, kind))
    }
    assert {name for name in named if name not in known} <= {"getLogger", "with", "range"}


# The examples


@pytest.fixture
async def single(tmp_path: Path) -> AsyncIterator[Single]:
    (tmp_path / "server").mkdir()
    server = Single(tmp_path / "server" / "comments.db", **with_keys(tmp_path / "server", ANN))
    await server.service.start()
    server.service.health.started = True  # as the runner does
    yield server
    await server.stop()


ANN = Signer()


@asynccontextmanager
async def example(
    name: str, *words: str, folder: Path, **environ: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(PROJECT / "examples" / name), *words),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SOURCES), **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_the_bot_answers_and_removes_and_goes_on_after_a_restart(
    single: Single, tmp_path: Path
) -> None:
    url, video_id = f"http://127.0.0.1:{single.service.public_port}", secrets.token_hex(6)
    token = ANN.token(sub="bot", name="Bot", **roles(**{video_id: "moderator"}))
    kept = tmp_path / f"{video_id}.cursor"
    async with AsyncClient(url, token=ANN.token()) as client:
        video = client.video(video_id)
        for number in range(2):
            if number:  # while it is away
                await video.post("!uptime")
            async with example(
                "bot.py", url, video_id, folder=tmp_path, LIVECOMMENTS_TOKEN=token
            ) as bot:
                await eventually(kept.exists, 30)
                await video.post("get your FREE COINS here")
                if not number:
                    await video.post(" !uptime ")
                seen = await entries_of(client, video_id, answers=number + 1)
                texts = [entry.text for entry in seen if isinstance(entry, Comment)]
                assert texts.count("up for 0 minutes") == number + 1
                assert not any("COINS" in text for text in texts)
                bot.send_signal(signal.SIGTERM)
                _, errors = await asyncio.wait_for(bot.communicate(), 20 * TIMEOUT_FACTOR)
                assert (bot.returncode, errors) == (0, b"")


async def entries_of(client: AsyncClient, video_id: str, answers: int) -> list[object]:
    """The log as soon as the bot has answered and removed that often."""
    while True:
        found = (await client.video(video_id).entries(limit=200)).items
        texts = [entry.text for entry in found if isinstance(entry, Comment)]
        removed = [entry for entry in found if isinstance(entry, Removed)]
        if texts.count("up for 0 minutes") >= answers and len(removed) >= answers:
            return list(found)
        await asyncio.sleep(0.05)


async def test_the_reader_prints_what_comes(single: Single, tmp_path: Path) -> None:
    url, video_id = f"http://127.0.0.1:{single.service.public_port}", secrets.token_hex(6)
    async with AsyncClient(url, token=ANN.token()) as client:
        await client.video(video_id).post("hello")
        async with example("read.py", url, video_id, folder=tmp_path) as process:
            assert process.stdout is not None
            lines = [await process.stdout.readline() for _ in range(3)]
            assert lines == [b"- connecting\n", b"1 Ann: hello\n", b"- live\n"]
            await client.video(video_id).moderation.remove(1)
            assert await process.stdout.readline() == b"- removed: 1\n"
            process.send_signal(signal.SIGINT)
            _, errors = await asyncio.wait_for(process.communicate(), 20 * TIMEOUT_FACTOR)
            assert (process.returncode, errors) == (0, b"")
