"""`python -m single` as tests run it."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from cluster.ports import free_ports
from tests.integration.single.client import Connection
from tests.raw_http import Reply, head
from tests.service_process import ServiceProcess
from tests.support import TIMEOUT_FACTOR


class SingleProcess(ServiceProcess):
    """A whole service; its file stays."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.public, self.ops = free_ports(2)
        self.store = folder / "comments.db"
        variables = {
            "PUBLIC_PORT": str(self.public),
            "OPS_PORT": str(self.ops),
            "SQLITE_PATH": str(self.store),
            "DRAIN_WINDOW_S": "0.5",
        }
        super().__init__("single", folder / "single.log", variables | environ)

    async def start(self, **environ: str) -> float:
        """Returns when it is ready, and how many seconds that took."""
        begun = time.monotonic()
        self.process = await self.spawn(**environ)
        async with asyncio.timeout(60 * TIMEOUT_FACTOR):
            while await self._ready_status() != 200:
                assert self.process.returncode is None, self.log.read_text()
                await asyncio.sleep(0.01)
        return time.monotonic() - begun

    async def connect(self) -> Connection:
        return await Connection.open(self.public)

    def break_store(self) -> None:
        """From now on posts and reads of comments are refused. The process goes on, as it would
        not without its file.
        """
        with closing(sqlite3.connect(self.store, timeout=20)) as connection:
            connection.execute("ALTER TABLE comments RENAME TO lost")

    async def ops_reply(self, path: str) -> Reply:
        connection = await Connection.open(self.ops)
        try:
            return await connection.ask(head("GET", path))
        finally:
            connection.close()

    async def _ready_status(self) -> int:
        try:
            return (await self.ops_reply("/readyz")).status
        except (OSError, EOFError):
            return 0
