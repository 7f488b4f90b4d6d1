"""A writer and a node with certificates that the command, or a person with openssl, has made."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from cluster.folder import CHECKOUT
from cluster.ports import free_ports
from service.tls import TlsFiles
from tests.service_process import ServiceProcess
from tests.support import TIMEOUT_FACTOR
from wire.roles import Role

VIDEO = "/v1/videos/v1"


def livecomments_certs(folder: Path, *words: str) -> None:
    command = [sys.executable, "-m", "cluster", "certs", str(folder), *words]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, timeout=60)


async def ready(client: aiohttp.ClientSession, process: ServiceProcess, ops: int) -> None:
    assert process.process is not None
    async with asyncio.timeout(60 * TIMEOUT_FACTOR):
        while True:
            assert process.process.returncode is None, process.log.read_text()
            try:
                async with client.get(f"http://127.0.0.1:{ops}/readyz") as reply:
                    if reply.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.02)


async def test_a_node_reads_from_a_writer_with_what_the_command_made(tmp_path: Path) -> None:
    """Topology `gateway`, whose Redis is away: what a viewer gets, the node has from the writer."""
    livecomments_certs(tmp_path / "certs", "writer/w1", "node/n1")
    public, internal, ops, node_public, node_ops, nobody = free_ports(6)
    common = {"TOPOLOGY": "gateway", "REDIS_URL": f"redis://127.0.0.1:{nobody}"}
    writer = ServiceProcess(
        "writer",
        tmp_path / "writer.log",
        common
        | {
            "SERVICE_ID": "w1",
            "TLS_DIR": str(tmp_path / "certs/writer/w1"),
            "SQLITE_PATH": str(tmp_path / "comments.sqlite3"),
            "PUBLIC_PORT": str(public),
            "INTERNAL_PORT": str(internal),
            "OPS_PORT": str(ops),
        },
    )
    node = ServiceProcess(
        "rtms_node",
        tmp_path / "node.log",
        common
        | {
            "SERVICE_ID": "n1",
            "TLS_DIR": str(tmp_path / "certs/node/n1"),
            "WRITER_ADDRESSES": f"w1=127.0.0.1:{internal}",
            "PUBLIC_PORT": str(node_public),
            "OPS_PORT": str(node_ops),
        },
    )
    try:
        writer.process, node.process = await writer.spawn(), await node.spawn()
        async with aiohttp.ClientSession() as client:
            await ready(client, writer, ops)
            await ready(client, node, node_ops)
            comment = {"author": "ann", "text": "over TLS of our own"}
            url = f"http://127.0.0.1:{public}{VIDEO}/comments"
            async with client.post(url, json=comment) as posted:
                assert posted.status == 201
            stream = f"http://127.0.0.1:{node_public}{VIDEO}/stream?replay=1"
            async with client.get(stream) as reply, asyncio.timeout(30 * TIMEOUT_FACTOR):
                async for line in reply.content:
                    if b"over TLS of our own" in line:
                        break
    finally:
        await node.stop()
        await writer.stop()


@pytest.fixture
def recipe() -> str:
    """The lines with openssl of docs/operations.md."""
    blocks = (CHECKOUT / "docs" / "operations.md").read_text().split("```")[1::2]
    return next(block for block in blocks if block.strip().startswith("openssl req"))


def test_what_the_documents_say_of_openssl_makes_a_good_certificate(
    recipe: str, tmp_path: Path
) -> None:
    subprocess.run(
        ["bash", "-euc", recipe], cwd=tmp_path, check=True, capture_output=True, timeout=60
    )
    files = TlsFiles(tmp_path, (Role.NODE, "node-1"))
    assert files.problem is None
    assert 89 < files.days_left <= 90
