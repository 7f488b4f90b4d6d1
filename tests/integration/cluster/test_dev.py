"""`livecomments dev`: what `make dev` runs, with its own key."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from cluster.folder import CHECKOUT, HOME_VARIABLE
from cluster.ports import free_ports
from cluster.readiness import NO_ANSWER
from tests.support import TIMEOUT_FACTOR

WITHIN_S = 60 * TIMEOUT_FACTOR


async def spawn(home: Path, *arguments: str, **variables: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cluster", *arguments),
        cwd=CHECKOUT,
        env=os.environ | {HOME_VARIABLE: str(home)} | variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@asynccontextmanager
async def dev(home: Path, **variables: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of it, once it answers."""
    (port,) = free_ports(1)
    process = await spawn(home, "dev", HTTP_PORT=str(port), **variables)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            async with asyncio.timeout(WITHIN_S):
                while not await answers(session):
                    assert process.returncode is None
                    await asyncio.sleep(0.02)
            yield session
    finally:
        process.send_signal(signal.SIGKILL)
        await process.communicate()


async def answers(session: aiohttp.ClientSession) -> bool:
    try:
        async with session.get("/readyz") as reply:
            return reply.status == 200
    except aiohttp.ClientError:
        return False


async def post(session: aiohttp.ClientSession, token: str = "", **body: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = "/v1/videos/launch-1/comments"
    async with session.post(url, json={"text": "hi"} | body, headers=headers) as reply:
        return reply.status, await reply.json(content_type=None)


async def minted(home: Path) -> str:
    grant = ("--role", "moderator:launch-*")
    process = await spawn(home, "token", "--dev", "--sub", "ann", "--name", "Ann", *grant)
    out, err = await asyncio.wait_for(process.communicate(), WITHIN_S)
    assert (process.returncode, err) == (0, b"")
    return out.decode().strip()


async def test_it_says_where_its_pages_and_its_map_are(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    process = await spawn(tmp_path, "dev", HTTP_PORT=str(port))
    assert process.stdout is not None
    try:
        async with asyncio.timeout(WITHIN_S):
            said = []
            while b"/map" not in (line := await process.stdout.readline()):
                assert line
                said.append(line.decode().strip())
        for page in ("embed", "moderate"):
            assert f"http://127.0.0.1:{port}/{page}/v1" in said
        url = line.decode().strip()
        async with aiohttp.ClientSession() as session, asyncio.timeout(WITHIN_S):
            while (document := await fetch(session, f"{url}.json")) is None:
                await asyncio.sleep(0.05)
        assert [member["id"] for member in document["members"]] == ["dev"]
    finally:
        process.send_signal(signal.SIGKILL)
        await process.communicate()


async def status_of_dev(home: Path) -> tuple[int | None, Any, str]:
    process = await spawn(home, "status", "--dev", "--json")
    out, err = await asyncio.wait_for(process.communicate(), WITHIN_S)
    return process.returncode, json.loads(out) if out else None, err.decode()


async def test_its_status_is_asked_for_with_dev(tmp_path: Path) -> None:
    code, rows, err = await status_of_dev(tmp_path)
    assert (code, rows) == (1, None)
    assert err.endswith("`make dev` does it\n")
    async with dev(tmp_path) as session:
        async with session.get("/readyz") as reply:
            address = reply.url.authority
        async with asyncio.timeout(WITHIN_S):
            code, rows, err = await status_of_dev(tmp_path)
            # It has a second to answer each question, which is little on a busy machine.
            while rows and (rows[0]["health"] == NO_ANSWER.words or rows[0]["viewers"] is None):
                code, rows, err = await status_of_dev(tmp_path)
        assert (code, err) == (0, "")
        (row,) = rows
        assert (row["name"], row["role"], row["health"]) == ("dev", "single", "ready")
        assert (row["address"], row["viewers"]) == (address, 0)
    code, rows, err = await status_of_dev(tmp_path)
    assert (code, rows[0]["health"], rows[0]["pid"]) == (1, "no answer", None)


async def fetch(session: aiohttp.ClientSession, url: str) -> Any:
    """None while nobody listens."""
    try:
        async with session.get(url) as reply:
            return await reply.json()
    except aiohttp.ClientError:
        return None


async def test_it_takes_posts_of_anybody_and_tokens_of_its_own_key(tmp_path: Path) -> None:
    async with dev(tmp_path) as session:
        token = await minted(tmp_path)
        assert (await post(session, author="ann"))[0] == 201
        status, comment = await post(session, token)
        assert (status, comment["author"], comment["badges"]) == (201, "Ann", ["moderator"])
    async with dev(tmp_path, AUTH="jwt") as session:  # the key stays, and so do author ids
        assert (await post(session, author="ann"))[0] == 401
        status, again = await post(session, token)
        assert (status, again["author_id"]) == (201, comment["author_id"])


async def test_one_variable_closes_reading(tmp_path: Path) -> None:
    async with dev(tmp_path, READ_AUTH="required") as session:
        headers = {"Authorization": f"Bearer {await minted(tmp_path)}"}
        async with session.get("/v1/videos/launch-1/comments") as reply:
            assert reply.status == 401
        async with session.post("/v1/videos/launch-1/tickets", headers=headers) as reply:
            ticket = (await reply.json())["ticket"]
        for what in ("comments", "stream"):
            query = {"ticket": ticket}
            async with session.get(f"/v1/videos/launch-1/{what}", params=query) as reply:
                assert reply.status == 200


async def test_it_is_for_this_machine_unless_it_is_told(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    process = await spawn(tmp_path, "dev", HTTP_PORT=str(port), BIND="0.0.0.0")
    _, err = await asyncio.wait_for(process.communicate(), WITHIN_S)
    assert process.returncode == 2
    assert b"ALLOW_ANONYMOUS=yes" in err
    async with dev(tmp_path, BIND="0.0.0.0", ALLOW_ANONYMOUS="yes") as session:
        assert (await post(session, author="ann"))[0] == 201
