"""A real ZooKeeper on a free port, and what can be done to it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from tests.support import TIMEOUT_FACTOR, eventually

_JARS = ("/etc/zookeeper/conf", "/usr/share/java/zookeeper.jar", "/usr/share/java/slf4j-simple.jar")
_JAVA = ("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", ":".join(_JARS))
_MAIN = "org.apache.zookeeper.server.ZooKeeperServerMain"


class ZooKeeperServer:
    """One server; a restart keeps its port and its data. Its shortest session is two ticks."""

    def __init__(self, folder: Path, *, tick_ms: int = 500) -> None:
        self._folder = folder
        self._tick_ms = tick_ms
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "zoo.cfg"
        config.write_text(
            f"tickTime={self._tick_ms}\ndataDir={self._folder}/data\nclientPort={self.port}\n"
            "clientPortAddress=127.0.0.1\nadmin.enableServer=false\nmaxClientCnxns=0\n"
            "4lw.commands.whitelist=srvr,cons,wchs,ruok\n"
        )
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_JAVA, _MAIN, str(config)],
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(30 * TIMEOUT_FACTOR):
            while "Mode:" not in await self.ask("srvr"):
                assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    def pause(self) -> None:
        """It holds its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    async def clean(self) -> None:
        await self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def ask(self, word: str) -> str:
        """The reply to a four-letter word, "" if there is none."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return ""
        try:
            writer.write(word.encode())
            return (await asyncio.wait_for(reader.read(), 5)).decode()
        except (OSError, TimeoutError):
            return ""
        finally:
            writer.close()

    def _signal(self, signum: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signum)

    async def _end(self, signum: int) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signum)
        process.send_signal(signal.SIGCONT)
        await eventually(lambda: process.poll() is not None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
