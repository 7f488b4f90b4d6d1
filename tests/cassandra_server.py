"""A real Cassandra on free ports, run as the product runs it, and what can be done to it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from pathlib import Path

from cluster.folder import home_folder, jars_folder
from cluster.ports import free_ports
from cluster.servers import cassandra, cassandra_jars
from tests.support import TIMEOUT_FACTOR

# It starts in 8 s instead of 13, and takes half a gibibyte.
FAST_HEAP_MIB = 256
FAST_OPTIONS = ("-XX:TieredStopAtLevel=1",)
_START_WITHIN_S = 120.0
_END_WITHIN_S = 30.0
_LOOK_EVERY_S = 0.02


class CassandraServer:
    """One server; a restart keeps its address, its port and its data."""

    def __init__(self, folder: Path) -> None:
        cql_port, storage_port = free_ports(2)
        self._server = cassandra.CassandraServer(
            1, folder, "127.0.0.1", cql_port, storage_port, FAST_HEAP_MIB, FAST_OPTIONS
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return self._server.host

    @property
    def port(self) -> int:
        """For clients."""
        return self._server.cql_port

    async def start(self) -> None:
        """Returns when it serves clients."""
        assert self._process is None, "it runs"
        jars = jars_folder(home_folder(os.environ))
        cassandra_jars.fetch(jars)
        cassandra.write_config(self._server)
        with self._output.open("ab") as sink:
            self._process = subprocess.Popen(
                cassandra.command(self._server, jars),
                cwd=self._server.folder,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
            )
        async with asyncio.timeout(_START_WITHIN_S * TIMEOUT_FACTOR):
            while not await cassandra.answers(self.host, self.port):
                assert self._process.poll() is None, self._output.read_text()[-3000:]
                await asyncio.sleep(_LOOK_EVERY_S)

    async def ensure_running(self) -> None:
        """As it was before a test stopped, killed or froze it."""
        if self._process is None:
            await self.start()
        else:
            self.resume()

    async def stop(self) -> None:
        """In order: what it holds is written to its files first."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """SIGKILL; returns when it is gone, and its port with it."""
        await self._end(signal.SIGKILL)

    def pause(self) -> None:
        """It keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    async def clean(self) -> None:
        await self.kill()
        shutil.rmtree(self._server.folder, ignore_errors=True)

    @property
    def _output(self) -> Path:
        return self._server.folder / "output"

    def _signal(self, signum: int) -> None:
        assert self._process is not None, "it does not run"
        os.kill(self._process.pid, signum)

    async def _end(self, signum: int) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signum)
        process.send_signal(signal.SIGCONT)  # one that is paused would not end
        async with asyncio.timeout(_END_WITHIN_S * TIMEOUT_FACTOR):
            while process.poll() is None:
                await asyncio.sleep(_LOOK_EVERY_S)
