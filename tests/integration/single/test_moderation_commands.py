"""What the commands of a moderator do, on a process as `make dev` runs it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cluster.errors import ClusterError
from cluster.issuer import DevelopmentIssuer, identity_variables
from cluster.moderation import Moderation, erase
from tests.integration.single.single_process import SingleProcess
from tests.support import TIMEOUT_FACTOR, started

ANN = {"sub": "ann", "name": "Ann"}
LIFE_S = 600


class World:
    """A process, and tokens that count there."""

    def __init__(self, process: SingleProcess, issuer: DevelopmentIssuer) -> None:
        self.url, self._issuer = f"http://127.0.0.1:{process.public}", issuer

    def token(self, role: str = "", video: str = "v") -> str:
        who = {"sub": role or "nobody"}
        return self._issuer.token(who, {video: [role]} if role else {}, LIFE_S)

    def moderation(self, role: str = "moderator") -> Moderation:
        return Moderation(self.url, self.token(role), "v")

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """As Ann."""
        headers = {"Authorization": f"Bearer {self._issuer.token(ANN, {}, LIFE_S)}"}
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method, f"{self.url}/v1/videos/v/{path}", json=body, headers=headers
            ) as reply,
        ):
            return reply.status, await reply.json(content_type=None)

    async def post(self, text: str) -> tuple[int, Any]:
        return await self.call("POST", "comments", {"text": text})

    async def author_id(self) -> str:
        return str((await self.call("GET", "me"))[1]["author_id"])

    async def texts(self) -> list[str]:
        return [one["text"] for one in (await self.call("GET", "comments"))[1]["comments"]]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    issuer = DevelopmentIssuer.load_or_create(tmp_path / "issuer")
    variables = identity_variables(tmp_path / "issuer", {})
    async with started(SingleProcess(tmp_path, **variables)) as process:
        yield World(process, issuer)


async def test_a_ban_counts_at_once_and_is_lifted(world: World) -> None:
    ann = await world.author_id()
    await world.post("one")
    said = await world.moderation().ban(ann, until=None, purge=False, reason="spam")
    assert (said["reason"], said["purge"]) == ("spam", False)
    assert (await world.post("two"))[1]["code"] == "banned"
    assert await world.texts() == ["one"]
    await world.moderation().lift(ann)
    assert (await world.post("two"))[0] == 201


async def test_a_timeout_with_a_purge(world: World) -> None:
    await world.post("one")
    until = "2999-01-01T00:00:00.000Z"
    said = await world.moderation().ban(
        await world.author_id(), until=until, purge=True, reason=None
    )
    assert (said["until"], said["purge"], "reason" in said) == (until, True, False)
    assert (await world.post("two"))[1]["code"] == "timed_out"
    assert await world.texts() == []


async def test_a_refusal_says_why(world: World) -> None:
    ann = await world.author_id()
    with pytest.raises(ClusterError, match="forbidden"):
        await world.moderation("member").ban(ann, until=None, purge=False, reason=None)
    with pytest.raises(ClusterError, match="in the future"):
        await world.moderation().ban(ann, until="2020-01-01T00:00:00Z", purge=False, reason=None)
    with pytest.raises(ClusterError, match="forbidden"):
        await erase(world.url, world.token("moderator"), ann, 60)


async def test_an_erasure_is_done_when_the_command_returns(world: World, tmp_path: Path) -> None:
    await world.post("a VERYSECRET word")
    ann, token = await world.author_id(), world.token("service", "*")
    with pytest.raises(ClusterError, match="it goes on"):
        await erase(world.url, token, ann, 0)
    await erase(world.url, token, ann, 60 * TIMEOUT_FACTOR)
    assert await world.texts() == []
    for file in tmp_path.glob("comments.db*"):
        assert b"VERYSECRET" not in file.read_bytes(), file.name


async def test_nobody_answers(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="does not answer"):
        await erase("http://127.0.0.1:9", "", "u_0123456789abcdefghijkl", 60)
