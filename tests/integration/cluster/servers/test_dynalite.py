"""dynalite as a server of a cluster: what it answered for stays, whatever ends it or a client."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cluster.servers.dynalite import find_node
from tests.dynalite_server import DynaliteServer
from tests.support import TIMEOUT_FACTOR, eventually

pytestmark = pytest.mark.skipif(find_node() is None, reason="no Node 20 or newer with npm")

_ACTIVE_WITHIN_S = 20.0
_SIGNED = "AWS4-HMAC-SHA256 Credential=a/20260101/x/dynamodb/aws4_request, SignedHeaders=h, "
_HEADERS = {
    "content-type": "application/x-amz-json-1.0",
    "authorization": _SIGNED + "Signature=a",
    "x-amz-date": "20260101T000000Z",
}
TABLE = {
    "TableName": "table",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DynaliteServer]:
    server = DynaliteServer(tmp_path)
    await server.start()
    yield server
    await server.clean()


async def call(server: DynaliteServer, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """One operation; what it replied. Raises ClientError if it failed, or was not answered."""
    headers = _HEADERS | {"x-amz-target": f"DynamoDB_20120810.{operation}"}
    url = f"http://{server.host}:{server.port}/"
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.post(url, data=json.dumps(request), headers=headers) as response,
    ):
        reply: dict[str, Any] = await response.json(content_type=None)
        return reply


async def make_table(server: DynaliteServer) -> None:
    await call(server, "CreateTable", TABLE)

    async with asyncio.timeout(_ACTIVE_WITHIN_S * TIMEOUT_FACTOR):
        while True:
            told = await call(server, "DescribeTable", {"TableName": "table"})
            if told["Table"]["TableStatus"] == "ACTIVE":
                return
            await asyncio.sleep(0.02)


async def put(server: DynaliteServer, key: str) -> None:
    await call(server, "PutItem", {"TableName": "table", "Item": {"k": {"S": key}}})


async def keys(server: DynaliteServer) -> set[str]:
    told = await call(server, "Scan", {"TableName": "table", "ConsistentRead": True})
    return {item["k"]["S"] for item in told["Items"]}


def has_grown(answered: set[str], to: int) -> bool:
    return len(answered) >= to


async def test_a_killed_one_has_all_that_it_answered_for(server: DynaliteServer) -> None:
    await make_table(server)
    answered: set[str] = set()

    async def write(name: int) -> None:
        number = 0
        while True:
            key = f"{name}-{number}"
            try:
                await put(server, key)
            except aiohttp.ClientError:
                return
            answered.add(key)
            number += 1

    for _ in range(2):
        writers = [asyncio.ensure_future(write(len(answered) + each)) for each in range(4)]
        await eventually(partial(has_grown, answered, len(answered) + 100))
        await server.kill()
        await asyncio.gather(*writers)
        await server.start()
        assert answered <= await keys(server)


async def test_a_client_that_ends_within_a_request_does_not_end_it(
    server: DynaliteServer,
) -> None:
    await make_table(server)
    for _ in range(3):
        with socket.create_connection((server.host, server.port)) as client:
            client.sendall(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    await put(server, "after")
    assert await keys(server) == {"after"}


async def test_a_frozen_one_answers_when_it_goes_on(server: DynaliteServer) -> None:
    await make_table(server)
    server.pause()
    assert not await server._answers()
    server.resume()
    await put(server, "after")


async def test_a_port_that_is_taken_ends_it(server: DynaliteServer, tmp_path: Path) -> None:
    other = DynaliteServer(tmp_path / "other")
    other.folder.mkdir()
    other._server = server._server
    process = await asyncio.create_subprocess_exec(
        *other._prepare(), cwd=other.folder, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert b"EADDRINUSE" in said
