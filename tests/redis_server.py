"""A real Redis on a free port, run as the product runs it, and what can be done to it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from redis.asyncio.connection import Connection

from cluster.ports import free_ports
from cluster.servers import redis_server
from tests.support import TIMEOUT_FACTOR, eventually


class RedisServer:
    """One server; a restart keeps its port."""

    def __init__(self, folder: Path) -> None:
        (port,) = free_ports(1)
        self._server = redis_server.RedisServer(folder, port)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def url(self) -> str:
        return self._server.url

    async def start(self) -> None:
        """Returns when it serves clients."""
        redis_server.write_config(self._server)
        output = self._server.folder / "output"
        with output.open("ab") as sink:
            self._process = subprocess.Popen(
                redis_server.command(self._server),
                cwd=self._server.folder,
                stdout=sink,
                stderr=sink,
            )
        async with asyncio.timeout(30 * TIMEOUT_FACTOR):
            while not await redis_server.answers("127.0.0.1", self.port):
                assert self._process.poll() is None, output.read_text()[-2000:]
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await eventually(lambda: process.poll() is not None)

    def pause(self) -> None:
        """It keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    async def ask(self, *words: str | bytes) -> Any:
        """Its answer to one command."""
        connection = Connection(host="127.0.0.1", port=self.port, protocol=2)
        try:
            await connection.send_command(*words)
            return await connection.read_response()
        finally:
            await connection.disconnect()

    def _signal(self, signum: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signum)
