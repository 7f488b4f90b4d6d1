"""A CA is replaced while a writer, a dispatcher and a node run: as docs/operations.md says it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from cluster.files import replace_file
from cluster.folder import CHECKOUT
from cluster.ports import free_ports
from service.http_client import InternalClient
from service.tls import TlsFiles
from tests.integration.cluster.test_certs import VIDEO, livecomments_certs, ready
from tests.service_process import ServiceProcess
from tests.support import TIMEOUT_FACTOR, eventually
from tests.zookeeper_server import ZooKeeperServer
from wire.errors import PeerError
from wire.internal import HEADS, HeadsRequest, encode
from wire.roles import Peer, Role

WORDS = ("writer/writer-1", "dispatcher/dispatcher-1", "node/node-1")
PACKAGES = ("writer", "dispatcher", "rtms_node")


class Cluster:
    """One process of each role, with links that last a second: each handshake counts at once."""

    def __init__(self, folder: Path, zookeeper: str) -> None:
        self.folder = folder
        self.public, self.internal, self.stream, *self.ops = free_ports(6)
        more = {
            "writer": {
                "SQLITE_PATH": str(folder / "comments.sqlite3"),
                "PUBLIC_PORT": str(self.public),
                "INTERNAL_PORT": str(self.internal),
            },
            "dispatcher": {},
            "rtms_node": {"PUBLIC_PORT": str(self.stream)},
        }
        self.processes = [
            ServiceProcess(
                package,
                folder / f"{package}.log",
                {
                    "SERVICE_ID": word.partition("/")[2],
                    "TLS_DIR": str(self.tls(word)),
                    "ZOOKEEPER": zookeeper,
                    "OPS_PORT": str(ops),
                    "LINK_LIFETIME_S": "1",
                    "ANTIENTROPY_ACTIVE_S": "1",
                    **more[package],
                },
            )
            for package, word, ops in zip(PACKAGES, WORDS, self.ops, strict=True)
        ]
        self.texts: list[str] = []
        self.streaming: asyncio.Task[None] | None = None

    def tls(self, word: str) -> Path:
        """Its TLS_DIR, apart from the folder that certificates are made in."""
        return self.folder / "tls" / word

    async def start(self) -> None:
        self.client = aiohttp.ClientSession()
        for process in self.processes:
            process.process = await process.spawn()
        for process, ops in zip(self.processes, self.ops, strict=True):
            await ready(self.client, process, ops)
        self.streaming = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        if self.streaming is not None:
            self.streaming.cancel()
            await asyncio.gather(self.streaming, return_exceptions=True)
        for process in self.processes:
            await process.stop()
        await self.client.close()

    async def _watch(self) -> None:
        url = f"http://127.0.0.1:{self.stream}{VIDEO}/stream?replay=100"
        timeout = aiohttp.ClientTimeout(total=None)
        async with self.client.get(url, timeout=timeout) as reply:
            async for line in reply.content:
                if line.startswith(b"data:") and b'"text":"' in line:
                    self.texts.append(line.decode().partition('"text":"')[2].partition('"')[0])

    async def delivers(self, text: str) -> None:
        """A post goes over links from the writer to the node, whose reads work too."""
        before = await self.metric(1, "forwarded_comments_total")
        forwarded = 0.0
        async with asyncio.timeout(60 * TIMEOUT_FACTOR):
            for number in range(10_000):
                await self._post(f"{text}-{number}")
                await eventually(lambda number=number: f"{text}-{number}" in self.texts)
                forwarded = await self.metric(1, "forwarded_comments_total") - before
                if forwarded >= 5 and not any([await self.degraded(ops) for ops in self.ops]):
                    return

    async def _post(self, text: str) -> None:
        url = f"http://127.0.0.1:{self.public}{VIDEO}/comments"
        async with self.client.post(url, json={"author": "ann", "text": text}) as reply:
            assert reply.status == 201

    async def degraded(self, ops: int) -> dict[str, str]:
        async with self.client.get(f"http://127.0.0.1:{ops}/state") as reply:
            found: dict[str, str] = (await reply.json())["degraded"]
            return found

    async def metric(self, index: int, name: str) -> float:
        async with self.client.get(f"http://127.0.0.1:{self.ops[index]}/metrics") as reply:
            lines = (await reply.text()).splitlines()
        return sum(
            float(line.rpartition(" ")[2])
            for line in lines
            if line.startswith(f"livecomments_{name}")
        )

    async def replace(self, made: Path, *names: str) -> None:
        """Give every process these files from the folder of all, and see that it takes them."""
        before = [self._reloads(process) for process in self.processes]
        for word in WORDS:
            for name in names:
                source = made if made.is_file() else made / word / name
                replace_file(self.tls(word) / name, source.read_bytes(), 0o600)
        for process, count in zip(self.processes, before, strict=True):
            await eventually(lambda p=process, n=count: self._reloads(p) > n)

    def _reloads(self, process: ServiceProcess) -> int:
        return process.log.read_text().count("certificates_reloaded")

    async def takes_caller(self, files: Path) -> bool:
        """Whether the writer answers a node with these files, and is trusted by it."""
        client = InternalClient(TlsFiles(files), deadline_s=20.0)
        await client.start()
        try:
            peer = Peer(Role.WRITER, "writer-1", "127.0.0.1", self.internal)
            await client.post(peer, HEADS, encode(HeadsRequest(("v",))))
        except PeerError:
            return False
        finally:
            await client.stop()
        return True


@pytest.fixture
async def cluster(tmp_path: Path, own_zookeeper: ZooKeeperServer) -> AsyncIterator[Cluster]:
    livecomments_certs(tmp_path / "certs", *WORDS)
    shutil.copytree(tmp_path / "certs", tmp_path / "tls")
    cluster = Cluster(tmp_path, own_zookeeper.address)
    try:
        await cluster.start()
        yield cluster
    finally:
        await cluster.stop()


def run_recipe(folder: Path) -> None:
    """The lines of docs/operations.md, with the command of this checkout."""
    blocks = (CHECKOUT / "docs" / "operations.md").read_text().split("```")[1::2]
    recipe = next(block for block in blocks if "both.pem" in block)
    command = f'livecomments() {{ PYTHONPATH={CHECKOUT} {sys.executable} -m cluster "$@"; }}\n'
    subprocess.run(
        ["bash", "-euc", command + recipe], cwd=folder, check=True, capture_output=True, timeout=60
    )


async def test_a_ca_is_replaced_while_comments_flow(cluster: Cluster) -> None:
    folder = cluster.folder
    await cluster.delivers("before")
    run_recipe(folder)
    old, new = folder / "certs/node/node-1", folder / "new/node/node-1"
    assert await cluster.takes_caller(old)
    assert not await cluster.takes_caller(new)

    await cluster.replace(folder / "both.pem", "ca.pem")
    await cluster.delivers("both are trusted")
    await cluster.replace(folder / "new", "key.pem", "cert.pem")
    await cluster.delivers("certificates are new")
    both = folder / "both"
    for made in (old, new):  # as processes are between the steps
        shutil.copytree(made, both, dirs_exist_ok=True)
        shutil.copy(folder / "both.pem", both / "ca.pem")
        assert await cluster.takes_caller(both)

    await cluster.replace(folder / "new/ca/ca.pem", "ca.pem")
    await cluster.delivers("the old one is gone")
    assert await cluster.takes_caller(new)
    shutil.copytree(old, both, dirs_exist_ok=True)
    shutil.copy(folder / "both.pem", both / "ca.pem")
    assert not await cluster.takes_caller(both)
