"""A backup that is put back brings the comments of erased authors with it: nobody gets to read
them, on either side of a writer, from its first reply on.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path
from signal import SIGKILL
from typing import Any

import aiohttp
import pytest

from cluster.ca import DevelopmentCa
from cluster.issuer import DevelopmentIssuer, identity_variables
from cluster.ports import free_ports
from service.http_client import InternalClient
from service.tls import TlsFiles
from tests.integration.writer.test_removal_deaths import ALONE, V
from tests.integration.writer.writer_process import WriterProcess
from tests.support import TIMEOUT_FACTOR, started
from wire.errors import PeerError
from wire.internal import RANGE
from wire.roles import Peer, Role
from writer.new_epoch import renew_epoch

SECRET, OTHER = "VERYSECRET", "what somebody else said"
MANY = 1_500  # comments: more than one removal takes
DONE_WITHIN_S = 60 * TIMEOUT_FACTOR


class Site:
    """One writer on a file; Ann, who writes and erases herself; and a node that reads."""

    def __init__(self, folder: Path) -> None:
        self.path, self.folder = folder / "comments.db", folder
        self._issuer = DevelopmentIssuer.load_or_create(folder / "issuer")
        (internal,) = free_ports(1)
        store = {"STORE": "sqlite", "SQLITE_PATH": str(self.path), "INTERNAL_PORT": str(internal)}
        variables = store | ALONE | identity_variables(folder / "issuer", {})
        ca = DevelopmentCa.new()
        self.writer = WriterProcess(ca, folder, "w1", "127.0.0.1:9", variables)
        ca.issue(Role.NODE, "n1").write(folder / "n1")
        self.node = InternalClient(TlsFiles(folder / "n1"))
        self.peer = Peer(Role.WRITER, "w1", "127.0.0.1", internal)
        self._token = self._issuer.token({"sub": "ann", "name": "Ann"}, {}, 3600)

    async def start(self) -> None:
        await self.node.start()
        await self.writer.start()

    async def stop(self) -> None:
        await self.node.stop()
        await self.writer.stop()

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        assert self.writer.client is not None
        headers = {"Authorization": f"Bearer {self._token}"}
        url = f"http://127.0.0.1:{self.writer.public}{path}"
        async with self.writer.client.request(method, url, json=body, headers=headers) as reply:
            assert reply.status < 300, await reply.text()
            return await reply.json()

    async def post(self, count: int) -> None:
        for first in range(0, count, 50):
            numbers = range(first, min(first + 50, count))
            posts = ({"text": f"{SECRET} {number}"} for number in numbers)
            await asyncio.gather(*(self.call("POST", f"{V}/comments", post) for post in posts))

    async def erase(self) -> None:
        author_id = (await self.call("GET", f"{V}/me"))["author_id"]
        await self.call("POST", "/v1/erasures", {"author_id": author_id})
        async with asyncio.timeout(DONE_WITHIN_S):
            while not (await self.call("GET", f"/v1/erasures/{author_id}"))["done"]:
                await asyncio.sleep(0.05)

    def back_up(self) -> Path:
        backup = self.folder / "backup.db"
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("VACUUM INTO ?", (str(backup),))
        return backup

    async def put_back(self, backup: Path) -> None:
        """As docs/operations.md says; the writer is not started."""
        await self.writer.end(SIGKILL)
        renew_epoch(backup)
        for name in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + name).unlink(missing_ok=True)
        self.path.write_bytes(backup.read_bytes())
        backup.unlink()

    def files(self) -> dict[str, bytes]:
        return {one.name: one.read_bytes() for one in self.folder.glob("comments.db*")}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with started(Site(tmp_path)) as site:
        yield site


async def public_pages(site: Site, seen: list[bytes]) -> None:
    """Ask as soon as the port is open, and go on; keep what is read."""
    url = f"http://127.0.0.1:{site.writer.public}{V}"
    async with aiohttp.ClientSession() as session:
        while True:
            for what in ("/comments?limit=200", "/entries?limit=200", "/comments/2"):
                with suppress(aiohttp.ClientError):
                    async with session.get(url + what) as reply:
                        body = await reply.read()
                        if reply.status == 200:
                            seen.append(body)
            await asyncio.sleep(0.005)


async def internal_ranges(site: Site, seen: list[bytes]) -> None:
    path = RANGE.format(video_id="v") + "?after=0&through=1000"
    while True:
        with suppress(PeerError):
            seen.append(await site.node.get(site.peer, path))
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("count", [1, MANY])
async def test_nobody_reads_what_a_backup_has_brought_back(site: Site, count: int) -> None:
    """The backup was made between two erasures, so it knows of the first one."""
    assert (await site.writer.post(OTHER, "k"))[0] == 201
    await site.post(2)
    await site.erase()
    await site.post(count)
    backup = site.back_up()
    await site.erase()
    assert not [name for name, data in site.files().items() if SECRET.encode() in data]
    await site.put_back(backup)
    assert SECRET.encode() in site.files()["comments.db"]
    public, internal = list[bytes](), list[bytes]()
    async with AsyncExitStack() as stack:
        readers = (public_pages(site, public), internal_ranges(site, internal))
        tasks = [asyncio.create_task(reader) for reader in readers]
        stack.callback(lambda: [task.cancel() for task in tasks])
        await site.writer.start()
        async with asyncio.timeout(DONE_WITHIN_S):
            while not (public and internal and await is_done(site)):
                await asyncio.sleep(0.02)
    assert OTHER.encode() in b"".join(public)
    assert OTHER.encode() in internal[0]
    assert SECRET.encode() not in b"".join(public + internal)
    assert not [name for name, data in site.files().items() if SECRET.encode() in data]


async def is_done(site: Site) -> bool:
    author_id = (await site.call("GET", f"{V}/me"))["author_id"]
    return bool((await site.call("GET", f"/v1/erasures/{author_id}"))["done"])
