"""A real ZooKeeper on free ports, run as the product runs it, and what can be done to it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from pathlib import Path

from cluster.ports import free_ports
from cluster.servers import zookeeper
from tests.support import TIMEOUT_FACTOR, eventually


class ZooKeeperServer:
    """One server; a restart keeps its port and its data. Its shortest session is 1 s."""

    def __init__(self, folder: Path) -> None:
        (port,) = free_ports(1)
        self._server = zookeeper.ZooKeeperServer(1, folder, port)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return self._server.client_port

    @property
    def address(self) -> str:
        return self._server.address

    async def start(self) -> None:
        """Returns when it serves clients."""
        zookeeper.write_config(self._server)
        output = self._server.folder / "output"
        with output.open("ab") as sink:
            self._process = subprocess.Popen(
                zookeeper.command(self._server), cwd=self._server.folder, stdout=sink, stderr=sink
            )
        async with asyncio.timeout(30 * TIMEOUT_FACTOR):
            while await zookeeper.fetch_mode("127.0.0.1", self.port) is None:
                assert self._process.poll() is None, output.read_text()[-2000:]
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    def pause(self) -> None:
        """It keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def discard_data(self) -> None:
        """It does not run, and will begin anew."""
        shutil.rmtree(self._server.folder / "data")

    async def clean(self) -> None:
        await self.kill()
        shutil.rmtree(self._server.folder, ignore_errors=True)

    async def ask(self, word: str) -> str:
        """The reply to a four-letter word, "" if there is none."""
        return await zookeeper.ask("127.0.0.1", self.port, word)

    def _signal(self, signum: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signum)

    async def _end(self, signum: int) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signum)
        process.send_signal(signal.SIGCONT)  # one that is paused would not end
        await eventually(lambda: process.poll() is not None)
