"""README's "Try it", block by block, as a newcomer runs it: without a token. And the commands of a
moderator on a cluster.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from cluster.folder import HOME_VARIABLE
from cluster.issuer import DevelopmentIssuer
from cluster.ports import free_ports
from tests.documents import BLOCK, ROOT
from tests.sse_parser import SseEvent, SseParser
from tests.support import TIMEOUT_FACTOR, eventually

README, SECTION = "README.md", "## Try it"
WITHIN_S = 240.0  # the first start reads all code
NAME = "tryit"


def blocks() -> list[str]:
    """The blocks of commands of that section, in their order."""
    section = (ROOT / README).read_text().partition(SECTION)[2].partition("\n## ")[0]
    return [text for language, text in BLOCK.findall(section) if not language]


@dataclass
class Newcomer:
    """A shell in the checkout; the cluster is one of its own, elsewhere and at another port."""

    home: Path
    port: int
    https_port: int

    async def run(self, commands: str) -> str:
        """What they print; all must succeed."""
        process = await self.begin(commands, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out, _ = await asyncio.wait_for(process.communicate(), WITHIN_S * TIMEOUT_FACTOR)
        assert process.returncode == 0, out.decode()
        return out.decode()

    async def begin(self, commands: str, **streams: Any) -> asyncio.subprocess.Process:
        """Start them."""
        commands = commands.replace("127.0.0.1:8080", f"127.0.0.1:{self.port}")
        environment = os.environ | {
            HOME_VARIABLE: str(self.home),
            "CLUSTER": NAME,
            "RUNTIME": "local",
            "HTTP_PORT": str(self.port),
            "HTTPS_PORT": str(self.https_port),
        }
        for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
            environment.pop(name, None)
        return await asyncio.create_subprocess_exec(
            *("bash", "-euc", commands), cwd=ROOT, env=environment, **streams
        )

    @asynccontextmanager
    async def watching(self, command: str, log: Path) -> AsyncIterator[Stream]:
        """While a `curl -N` runs."""
        with log.open("wb") as file:
            process = await self.begin(f"exec {command.strip()} -sS", stdout=file)
        try:
            yield Stream(log, process)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


@dataclass
class Stream:
    """What curl has printed so far."""

    log: Path
    process: asyncio.subprocess.Process

    @property
    def events(self) -> list[SseEvent]:
        return SseParser().feed(self.log.read_bytes())

    def texts(self) -> list[str]:
        """Of the comments."""
        return [json.loads(one.data)["text"] for one in self.events if one.type == "comment"]

    def hello(self) -> Any:
        return json.loads(self.events[0].data)


async def everything_works_without_a_token(newcomer: Newcomer, folder: Path) -> None:
    _, watch, post, on_nodes = blocks()[:4]
    async with newcomer.watching(watch, folder / "first") as stream:
        await eventually(lambda: stream.events)
        said = json.loads(await newcomer.run(f"{post.strip()} -sS"))
        assert (said["author"], said["text"], said["seq"]) == ("ann", "hi", 1)
        await eventually(lambda: stream.texts() == ["hi"])
        route, kill, start = [line.partition("#")[0] for line in on_nodes.splitlines()]
        assert re.search(r"served by +node-\d", await newcomer.run(route))
        node = stream.hello()["node_id"]
        await newcomer.run(kill.replace("node-2", node))
        await asyncio.wait_for(stream.process.wait(), WITHIN_S * TIMEOUT_FACTOR)
        last = [one.last_event_id for one in stream.events if one.type == "comment"][-1]
    await newcomer.run(post.replace('"hi"', '"while nobody watched"'))
    again = f'{watch.strip()} -H "Last-Event-ID: {last}"'
    async with newcomer.watching(again, folder / "second") as stream:
        await eventually(lambda: stream.texts() == ["while nobody watched"])
        assert stream.hello()["node_id"] != node
        await newcomer.run(start.replace("node-2", node))
    # Each part has a second to answer: on a busy machine the one that has just begun may need more.
    command = 'until status=$(.venv/bin/livecomments status); do sleep 0.5; done; echo "$status"'
    assert node in await newcomer.run(command)
    async with aiohttp.ClientSession() as session:
        for page in ("/embed/v1", "/moderate/v1"):
            async with session.get(f"http://127.0.0.1:{newcomer.port}{page}") as reply:
                assert (reply.status, reply.content_type) == (200, "text/html")


async def a_moderator_has_commands(newcomer: Newcomer) -> None:
    """On the cluster, not only with `--dev`."""
    video = f"http://127.0.0.1:{newcomer.port}/v1/videos/v2"
    issuer = DevelopmentIssuer.load(newcomer.home / NAME / "issuer")
    headers = {"Authorization": f"Bearer {issuer.token({'sub': 'bob', 'name': 'Bob'}, {}, 600)}"}
    livecomments = ".venv/bin/livecomments"
    async with aiohttp.ClientSession(headers=headers) as session:

        async def call(method: str, path: str, body: object = None) -> tuple[int, Any]:
            async with session.request(method, f"{video}{path}", json=body) as reply:
                return reply.status, await reply.json(content_type=None)

        for text in ("one", "two VERYSECRET"):
            status, comment = await call("POST", "/comments", {"text": text})
            assert status == 201
        author = comment["author_id"]
        said = await newcomer.run(f"{livecomments} remove v2 1 --reason spam")
        assert said.strip() == "removed 1, as entry 3"
        assert (await call("GET", "/comments/1"))[0] == 410
        said = await newcomer.run(f"{livecomments} restore v2 1")
        assert said.strip() == "1 is shown: Bob: one"
        said = await newcomer.run(f"{livecomments} ban v2 {author}")
        assert said.strip() == f"{author} may not post for ever"
        status, problem = await call("POST", "/comments", {"text": "three"})
        assert (status, problem["code"]) == (403, "banned")
        said = await newcomer.run(f"{livecomments} ban v2 {author} --lift")
        assert said.strip() == f"{author} may post again"
        assert (await call("POST", "/comments", {"text": "three"}))[0] == 201
        said = await newcomer.run(f"{livecomments} erase {author}")
        assert said.strip() == f"nothing of {author} is left in the store"
        assert (await call("GET", "/comments"))[1]["comments"] == []
        assert "VERYSECRET" not in str(await call("GET", "/entries"))


async def test_what_the_readme_says_to_try_works(tmp_path: Path) -> None:
    newcomer = Newcomer(tmp_path / "home", *free_ports(2))
    up = blocks()[0]
    assert up.strip() == "make cluster-up"
    try:
        said = await newcomer.run(up)
        assert f"127.0.0.1:{newcomer.port}" in said
        await everything_works_without_a_token(newcomer, tmp_path)
        await a_moderator_has_commands(newcomer)
    finally:
        await newcomer.run("make cluster-clean")
