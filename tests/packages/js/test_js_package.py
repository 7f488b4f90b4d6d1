"""The npm package `@livecomments/client`: its own tests, its types, and what npm makes of it."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.single.single_process import SingleProcess
from tests.packages.js.node_client import NO_NODE, NODE, PACKAGE, NodeClient
from tests.support import TIMEOUT_FACTOR, eventually, started

pytestmark = pytest.mark.skipif(NODE is None, reason=NO_NODE)
WITHIN_S = 120 * TIMEOUT_FACTOR
QUIET = ("--no-audit", "--no-fund", "--loglevel=error")
# What somebody writes who has installed it; both ways in which compilers look for its types.
_USER = """
import { CommentList, LiveComments, Problem, type Comment } from "@livecomments/client";
const video = new LiveComments({ url: "http://127.0.0.1" }).video("v", { history: 3 });
video.on("comment", (comment: Comment, { seq }) => console.log(comment.text, seq + 1));
new CommentList(video).on("change", ({ items }) => items.map(({ key }) => key));
video.post({ text: "hi" }).catch((problem: Problem) => console.log(problem.retryAfter?.toFixed()));
"""


def run(folder: Path, *command: str) -> str:
    """Standard output; AssertionError with all that was said if it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=WITHIN_S)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of it, with what it is developed with."""
    folder = tmp_path_factory.mktemp("package") / "js"
    shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("node_modules", "*.tgz"))
    run(folder, "npm", "ci", *QUIET)
    return folder


def test_its_own_tests_pass(package: Path) -> None:
    told = run(package, "node", "--test", "--test-timeout=60000", "test/")
    assert "# fail 0" in told


def test_sources_and_declarations_have_the_same_types(package: Path) -> None:
    run(package, "npm", "run", "--silent", "types")


def test_what_is_locked_is_locked_without_addresses() -> None:
    locked = json.loads((PACKAGE / "package-lock.json").read_text())["packages"]
    named = json.loads((PACKAGE / "package.json").read_text())
    assert locked[""]["version"] == named["version"]
    for name, one in locked.items():
        assert name == "" or one["integrity"]
        assert "resolved" not in one
    assert "dependencies" not in named


def test_it_is_licensed_as_the_whole_and_its_changes_are_told() -> None:
    version = json.loads((PACKAGE / "package.json").read_text())["version"]
    assert f"## [{version}]" in (PACKAGE / "CHANGELOG.md").read_text()
    whole = PACKAGE.parents[1] / "LICENSE"
    assert (PACKAGE / "LICENSE").read_bytes() == whole.read_bytes()


async def test_the_tarball_installs_in_an_empty_project_and_works(
    package: Path, tmp_path: Path
) -> None:
    packed = json.loads(run(package, "npm", "pack", "--json", *QUIET))[0]
    names = {file["path"] for file in packed["files"]}
    wanted = {"index.d.ts", "README.md", "CHANGELOG.md", "LICENSE", "package.json", "src/index.js"}
    assert wanted <= names
    assert not [name for name in names if name.startswith(("test", "node_modules"))]
    project = tmp_path / "project"
    project.mkdir()
    (project / "package.json").write_text('{"private":true,"type":"module"}')
    run(project, "npm", "install", *QUIET, str(package / packed["filename"]))
    (project / "user.ts").write_text(_USER)
    compiler = str(package / "node_modules/typescript/bin/tsc")
    for module, resolution in (("NodeNext", "NodeNext"), ("ESNext", "Bundler")):
        flags = ("--module", module, "--moduleResolution", resolution, "--target", "ES2022")
        run(project, "node", compiler, "--noEmit", "--strict", *flags, "user.ts")
    entry = project / "node_modules/@livecomments/client/src/index.js"
    async with (
        started(SingleProcess(tmp_path)) as single,
        NodeClient(f"http://127.0.0.1:{single.public}", "v", entry=entry) as client,
    ):
        client.post("from the tarball")
        await eventually(lambda: client.comments == [(1, "from the tarball")])
        await eventually(lambda: client.answers())


async def test_the_example_of_a_program(package: Path, tmp_path: Path) -> None:
    """As it stands there, found under its own name."""
    (tmp_path / "node_modules" / "@livecomments").mkdir(parents=True)
    (tmp_path / "node_modules" / "@livecomments" / "client").symlink_to(package)
    bot = tmp_path / "bot.mjs"
    shutil.copy(package / "examples" / "bot.mjs", bot)
    async with started(SingleProcess(tmp_path)) as single:
        url = f"http://127.0.0.1:{single.public}"
        running = await asyncio.create_subprocess_exec(
            "node", str(bot), url, "v", stderr=asyncio.subprocess.PIPE
        )
        assert running.stderr is not None
        try:
            while (line := await running.stderr.readline()).split() != [b"live"]:
                assert line, "it ended"
            async with NodeClient(url, "v") as client:
                client.post("!time")
                await eventually(lambda: len(client.comments) == 2)
                assert client.named("comment")[1]["author"] == "clock"
        finally:
            running.kill()
            await running.wait()
