"""The one process with its comments in DynamoDB, as an emulator plays it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cluster.new_epoch import renew_table
from cluster.servers.dynalite import find_node
from tests.dynalite_server import DynaliteServer
from tests.dynamodb_table import Table
from tests.integration.single.single_process import SingleProcess
from tests.raw_http import head
from tests.service_process import ROOT
from tests.support import TIMEOUT_FACTOR, started

pytestmark = pytest.mark.skipif(find_node() is None, reason="no Node 20 or newer with npm")

HISTORY = "/v1/videos/v/comments"
_WITHOUT_THE_SDK = """
import runpy, sys
sys.modules["aiobotocore"] = None
runpy.run_module("single", run_name="__main__")
"""


@pytest.fixture
def variables(dynalite_server: DynaliteServer) -> dict[str, str]:
    table = Table.new(dynalite_server).name
    return {"STORE": "dynamodb", "DYNAMODB_TABLE": table} | dynalite_server.variables


@pytest.fixture
async def single(tmp_path: Path, variables: dict[str, str]) -> AsyncIterator[SingleProcess]:
    async with started(SingleProcess(tmp_path, **variables)) as single:
        yield single


async def history(single: SingleProcess) -> list[str]:
    connection = await single.connect()
    found = (await connection.ask(head("GET", HISTORY))).json()["comments"]
    connection.close()
    return [comment["text"] for comment in found]


async def post(single: SingleProcess, text: str) -> str:
    """Its id. A process is ready without its store, so the first reply may be a 503."""
    async with asyncio.timeout(60 * TIMEOUT_FACTOR), await single.connect() as connection:
        while (reply := await connection.post(text, f"Idempotency-Key: {text}")).status == 503:
            await asyncio.sleep(0.1)
        assert reply.status == 201
        return str(reply.json()["id"])


async def test_a_killed_one_goes_on_with_what_is_in_the_table(single: SingleProcess) -> None:
    first = await post(single, "before")
    await single.end(signal.SIGKILL)
    await single.start()
    epoch, number = first.split("-")
    assert await post(single, "after") == f"{epoch}-{int(number) + 1}"
    assert await history(single) == ["before", "after"]


async def test_a_new_epoch_keeps_the_comments_under_new_ids(
    single: SingleProcess, variables: dict[str, str]
) -> None:
    first = await post(single, "before")
    await single.end(signal.SIGTERM)
    old, new = await renew_table(variables)
    assert first == f"{old}-1"
    await single.start()
    assert await post(single, "after") == f"{new}-2"
    assert await history(single) == ["before", "after"]


async def test_its_figures_tell_what_it_has_used(single: SingleProcess) -> None:
    await post(single, "one")
    metrics = (await single.ops_reply("/metrics")).body.decode()
    assert 'livecomments_store_units_total{kind="write"} ' in metrics
    assert 'livecomments_store_calls_answered_total{operation="put_item"} ' in metrics


async def test_without_the_sdk_it_says_what_is_missing() -> None:
    environ = os.environ | {"STORE": "dynamodb", "AWS_REGION": "us-east-1"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _WITHOUT_THE_SDK),
        cwd=ROOT,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60 * TIMEOUT_FACTOR)
    assert process.returncode == 2, said
    assert b"STORE=dynamodb needs aiobotocore" in said
