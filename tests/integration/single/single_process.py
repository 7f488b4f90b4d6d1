"""`python -m single` as tests run it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from cluster.ports import free_ports
from tests.integration.single.client import Connection
from tests.raw_http import Reply, head
from tests.support import TIMEOUT_FACTOR

ROOT = Path(__file__).resolve().parents[3]


class SingleProcess:
    """May be started again after its end, and then has the same port and the same file."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.public, self.ops = free_ports(2)
        self.log = folder / "single.log"
        self._environ = {
            **os.environ,
            "PUBLIC_PORT": str(self.public),
            "OPS_PORT": str(self.ops),
            "SQLITE_PATH": str(folder / "comments.db"),
            "DRAIN_WINDOW_S": "0.5",
            **environ,
        }
        self.process: asyncio.subprocess.Process | None = None

    async def spawn(self, **environ: str) -> asyncio.subprocess.Process:
        """Start the process without waiting for it."""
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "single"),
                cwd=ROOT,
                env=self._environ | environ,
                stderr=log,
            )

    async def start(self, **environ: str) -> float:
        """Returns when it is ready, and how many seconds that took."""
        begun = time.monotonic()
        self.process = await self.spawn(**environ)
        async with asyncio.timeout(20 * TIMEOUT_FACTOR):
            while await self._ready_status() != 200:
                assert self.process.returncode is None, self.log.read_text()
                await asyncio.sleep(0.01)
        return time.monotonic() - begun

    async def connect(self) -> Connection:
        return await Connection.open(self.public)

    async def ops_reply(self, path: str) -> Reply:
        connection = await Connection.open(self.ops)
        try:
            return await connection.ask(head("GET", path))
        finally:
            connection.close()

    async def end(self, signum: int) -> int:
        """Send a signal; the exit status."""
        assert self.process is not None
        self.process.send_signal(signum)
        return await asyncio.wait_for(self.process.wait(), 20 * TIMEOUT_FACTOR)

    async def stop(self) -> None:
        """For teardown: kill what still runs."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def _ready_status(self) -> int:
        try:
            return (await self.ops_reply("/readyz")).status
        except (OSError, EOFError):
            return 0
