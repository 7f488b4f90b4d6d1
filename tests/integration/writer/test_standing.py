"""`GET .../me` says what a post would be told, in each case: a real listener, a real file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from identity.config import Anonymous
from tests.integration.writer.moderated_api import ANN, MODERATOR, V, World
from tests.integration.writer.test_rules_routes import DEFAULTS, MEMBER, author_id
from tests.integration.writer.test_site_routes import ADMIN
from tests.support import started


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with started(World(tmp_path)) as world:
        yield world


async def me(world: World, token: str | None = ANN) -> dict[str, Any]:
    status, answer = await world.call("GET", f"{V}/me", token)
    assert status == 200
    found: dict[str, Any] = answer
    return found


async def refused(world: World, token: str | None = ANN) -> str:
    """The code, which is that of the post."""
    body = {"text": "hi"} | ({} if token else {"author": "guest"})
    said, (_, code) = await me(world, token), await world.call("POST", f"{V}/comments", token, body)
    assert (said["may_post"], said["code"]) == (False, code)
    return str(code)


async def set_to(world: World, **changes: object) -> None:
    await world.call("PATCH", f"{V}/settings", MODERATOR, DEFAULTS | changes)


async def test_whoever_may_post_is_told_who_it_is(world: World) -> None:
    ann = await author_id(world, ANN)
    assert await me(world) == {"may_post": True, "author_id": ann, "name": "Ann", "badges": []}
    assert (await me(world, MODERATOR))["badges"] == ["moderator"]
    assert await me(world, None) == {"may_post": True}


async def test_settings(world: World) -> None:
    await set_to(world, closed=True)
    assert await refused(world) == "closed"
    assert await refused(world, None) == "closed"
    await set_to(world, members_only=True)
    assert await refused(world) == "members_only"
    assert (await me(world, MEMBER))["may_post"]
    await set_to(world, guests=False)
    assert await refused(world, None) == "token_missing"
    assert (await me(world))["may_post"]
    await set_to(world, closed=True, members_only=True, guests=False, slow_mode_s=60)
    assert (await me(world, MODERATOR))["may_post"]
    await set_to(world, links=False, repeats=False)  # which depends on the words
    assert (await me(world))["may_post"]


async def test_slow_mode(world: World) -> None:
    await set_to(world, slow_mode_s=60)
    assert (await me(world))["may_post"]
    await world.post("hi")
    assert await refused(world) == "slow_mode"
    assert 0 < (await me(world))["retry_after_s"] <= 60
    await world.post("hi", token=None)
    assert (await me(world, None))["may_post"]  # whose name is not known yet
    await set_to(world)
    assert (await me(world))["may_post"]


@pytest.mark.parametrize("everywhere", [False, True])
async def test_sanctions(world: World, everywhere: bool) -> None:
    path, token = ("/v1", ADMIN) if everywhere else (V, MODERATOR)
    path = f"{path}/sanctions/{await author_id(world, ANN)}"
    assert (await world.call("PUT", path, token))[0] == 200
    assert await refused(world) == "banned"
    assert "retry_after_s" not in await me(world)
    until = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    assert (await world.call("PUT", path, token, {"until": until}))[0] == 200
    assert await refused(world) == "timed_out"
    assert 0 < (await me(world))["retry_after_s"] <= 300
    assert (await me(world, MEMBER))["may_post"]
    assert (await world.call("DELETE", path, token))[0] == 200
    assert (await me(world))["may_post"]


@pytest.mark.parametrize(
    ("anonymous", "code"), [(Anonymous.NOBODY, "token_missing"), (Anonymous.GUESTS, "")]
)
async def test_nobody_without_a_token(tmp_path: Path, anonymous: Anonymous, code: str) -> None:
    async with started(World(tmp_path, anonymous)) as world:
        if code:
            assert await refused(world, None) == code
        else:
            assert await me(world, None) == {"may_post": True}
        assert (await me(world))["may_post"]
