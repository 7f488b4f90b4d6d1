"""Tokens at a real process: with and without keys, on loopback and off it, and in no log."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from tests.identity_variables import with_keys
from tests.integration.single.client import post_bytes
from tests.integration.single.single_process import SingleProcess
from tests.raw_http import Reply
from tests.support import TIMEOUT_FACTOR, started
from tests.tokens import Signer, jwks

ANN = Signer()


async def post(single: SingleProcess, token: str | None, **body: str) -> Reply:
    lines = [] if token is None else [f"Authorization: Bearer {token}"]
    async with await single.connect() as connection:
        return await connection.ask(post_bytes({"text": "hi", **body}, *lines))


async def test_posts_need_a_token_that_counts(tmp_path: Path) -> None:
    variables = with_keys(tmp_path, ANN, AUTH="jwt")
    async with started(SingleProcess(tmp_path, **variables)) as single:
        refused = await post(single, None, author="ann")
        assert (refused.status, refused.json()["code"]) == (401, "token_missing")
        assert refused.headers["www-authenticate"] == "Bearer"
        refused = await post(single, ANN.token(exp=1))
        assert (refused.status, refused.json()["code"]) == (401, "token_expired")
        assert refused.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        stored = await post(single, ANN.token())
        assert (stored.status, stored.json()["author"]) == (201, "Ann")
        metrics = (await single.ops_reply("/metrics")).body.decode()
        assert 'livecomments_requests_refused_total{code="token_missing"} 1.0\n' in metrics
        assert "livecomments_tokens_checked_total 2.0\n" in metrics


async def test_a_viewer_sees_who_wrote_it(tmp_path: Path) -> None:
    async with started(SingleProcess(tmp_path, **with_keys(tmp_path, ANN))) as single:
        async with await single.connect() as viewer:
            await viewer.watch()
            assert (await viewer.event()).type == "hello"
            await post(single, None, author="ann")
            await post(single, ANN.token(**{"lc.roles": {"*": ["owner"]}}))
            plain, known = [json.loads((await viewer.event()).data) for _ in range(2)]
        assert list(plain) == ["id", "video_id", "seq", "author", "text", "created_at"]
        assert known["badges"] == ["owner"]
        assert known["author_id"].startswith("u_")


@pytest.mark.parametrize("style", ["json", "console"])
async def test_no_token_is_in_a_log(tmp_path: Path, style: str) -> None:
    """Accepted or refused, also at the most talkative level, and where something breaks."""
    variables = with_keys(tmp_path, ANN, AUTH="jwt", LOG_LEVEL="debug", LOG_FORMAT=style)
    tokens = [ANN.token(), ANN.token(exp=1), Signer("x").token(), "secr3t.gArbage.t0ken"]
    async with started(SingleProcess(tmp_path, **variables)) as single:
        statuses = [(await post(single, token)).status for token in tokens]
        metrics = (await single.ops_reply("/metrics")).body.decode()
        single.break_store()  # this post fails, and is logged
        statuses.append((await post(single, tokens[0])).status)
    assert statuses == [201, 401, 401, 401, 503]
    text = single.log.read_text() + metrics
    assert "stored" in text
    for part in {part for token in tokens for part in token.split(".")}:
        assert part not in text


async def test_a_replaced_file_of_keys_counts_soon(tmp_path: Path) -> None:
    new = Signer("new")
    async with started(SingleProcess(tmp_path, **with_keys(tmp_path, ANN))) as single:
        assert (await post(single, ANN.token())).status == 201
        (tmp_path / "other.json").write_bytes(jwks(new))
        os.replace(tmp_path / "other.json", tmp_path / "jwks.json")
        await eventually_posts(single, new.token())
        assert (await post(single, ANN.token())).status == 401


async def eventually_posts(single: SingleProcess, token: str) -> None:
    async with asyncio.timeout(20 * TIMEOUT_FACTOR):
        while (await post(single, token)).status != 201:
            pass


async def test_a_process_without_its_keys_runs_and_says_so(tmp_path: Path) -> None:
    variables = with_keys(tmp_path, ANN, AUTH="jwt", GUESTS="yes")
    (tmp_path / "jwks.json").unlink()
    async with started(SingleProcess(tmp_path, **variables)) as single:
        refused = await post(single, ANN.token())
        assert (refused.status, refused.json()["code"]) == (503, "keys_unavailable")
        guest = await post(single, None, author="ann")
        assert (guest.status, guest.json()["guest"]) == (201, True)
        degraded = (await single.ops_reply("/state")).json()["degraded"]
        assert "No such file" in degraded["keys"]


@pytest.mark.parametrize(
    "variables",
    [
        {"BIND_HOST": "0.0.0.0"},
        {"PUBLISHED_ON": "192.0.2.1"},
        {"AUTH": "jwt"},
        {"AUTH": "jwt", "ALLOW_ANONYMOUS": "yes"},
    ],
)
async def test_it_refuses_to_start_where_anybody_could_post(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    single = SingleProcess(tmp_path, **variables)
    single.process = await single.spawn()
    assert await single.process.wait() == 2
    (line,) = single.log.read_text().splitlines()
    assert line.startswith("configuration: AUTH")


async def test_it_starts_there_if_it_is_told_to(tmp_path: Path) -> None:
    variables = {"BIND_HOST": "0.0.0.0", "ALLOW_ANONYMOUS": "yes"}
    async with started(SingleProcess(tmp_path, **variables)) as single:
        assert (await post(single, None, author="ann")).status == 201
