"""A whole writer with the keys that `livecomments up` makes, and tokens of `livecomments token`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cluster.ca import DevelopmentCa
from cluster.folder import HOME_VARIABLE
from cluster.issuer import DevelopmentIssuer, identity_variables
from tests.integration.writer.writer_process import WriterProcess
from tests.service_process import ROOT
from tests.support import started

# Nobody is there: posts are stored all the same.
ALONE = {"TOPOLOGY": "broadcast", "REDIS_URL": "redis://127.0.0.1:9", "LOG_LEVEL": "debug"}


def minted(home: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "cluster", "token", *arguments],
        cwd=ROOT,
        env=os.environ | {HOME_VARIABLE: str(home), "CLUSTER": "c"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


def writer_in(home: Path, **variables: str) -> WriterProcess:
    DevelopmentIssuer.load_or_create(home / "c" / "issuer")
    store = {"SQLITE_PATH": str(home / "comments.db")} | ALONE
    store |= identity_variables(home / "c" / "issuer", {}) | variables
    return WriterProcess(DevelopmentCa.new(), home, "w1", "127.0.0.1:9", store)


async def post(writer: WriterProcess, token: str, **body: str) -> tuple[int, Any]:
    assert writer.client is not None
    url = f"http://127.0.0.1:{writer.public}/v1/videos/launch-1/comments"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with writer.client.post(url, json={"text": "hi"} | body, headers=headers) as reply:
        return reply.status, await reply.json(content_type=None)


@pytest.fixture(params=["open", "jwt"])
async def writer(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[WriterProcess]:
    async with started(writer_in(tmp_path, AUTH=request.param)) as writer:
        yield writer


async def test_a_minted_token_posts_with_its_badge_and_is_in_no_log(
    writer: WriterProcess, tmp_path: Path
) -> None:
    good = minted(tmp_path, "--sub", "ann", "--name", "Ann", "--role", "moderator:launch-*")
    over = minted(tmp_path, "--sub", "ann", "--name", "Ann", "--hours", "-1")
    status, comment = await post(writer, good)
    assert (status, comment["author"], comment["badges"]) == (201, "Ann", ["moderator"])
    status, problem = await post(writer, over)
    assert (status, problem["code"]) == (401, "token_expired")
    await writer.end(signal.SIGTERM)  # a kill could come between the answer and its line
    text = writer.log.read_text()
    assert '"stored"' in text
    for part in {*good.split("."), *over.split(".")}:
        assert part not in text


@pytest.mark.parametrize(("auth", "answer"), [("open", 201), ("jwt", 401)])
async def test_an_anonymous_post_is_a_matter_of_the_setting(
    tmp_path: Path, auth: str, answer: int
) -> None:
    async with started(writer_in(tmp_path, AUTH=auth)) as writer:
        status, document = await post(writer, "", author="ann")
    assert (status, document.get("code")) == (answer, "token_missing" if answer == 401 else None)


async def test_a_writer_that_is_published_is_not_open_by_mistake(tmp_path: Path) -> None:
    writer = writer_in(tmp_path)
    process = await writer.spawn(PUBLISHED_ON="0.0.0.0")
    assert await process.wait() == 2
    assert "ALLOW_ANONYMOUS=yes" in writer.log.read_text()
    async with started(writer_in(tmp_path, PUBLISHED_ON="0.0.0.0", ALLOW_ANONYMOUS="yes")) as told:
        assert (await post(told, "", author="ann"))[0] == 201
