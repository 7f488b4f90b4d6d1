"""A real ZooKeeper for tests."""

from __future__ import annotations

import asyncio
import shutil
import struct
from pathlib import Path

from cluster.ports import free_ports
from cluster.servers import zookeeper
from tests.server_process import ServerProcess
from tests.support import TIMEOUT_FACTOR

_CONNECTED = struct.Struct(">iii")  # how an answer to a connect begins: length, version, timeout
_CLOSE_SESSION = -11  # a request's type


class ZooKeeperServer(ServerProcess):
    """Its shortest session is 1 s."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (port,) = free_ports(1)
        self._server = zookeeper.ZooKeeperServer(1, folder, port)

    @property
    def port(self) -> int:
        return self._server.client_port

    @property
    def address(self) -> str:
        return self._server.address

    def discard_data(self) -> None:
        """It does not run, and will begin anew."""
        shutil.rmtree(self.folder / "data")

    async def ask(self, word: str) -> str:
        """The reply to a four-letter word, "" if there is none."""
        return await zookeeper.ask("127.0.0.1", self.port, word, 20 * TIMEOUT_FACTOR)

    async def end_session(self, session_id: int, password: bytes) -> None:
        """Close a client's session behind its back. Both requests go in one piece: if the second
        waited for the first's answer, the client could take its session back in between. On a busy
        machine it can even so, and then we try again.
        """
        async with asyncio.timeout(20 * TIMEOUT_FACTOR):
            while not await self._close_session(session_id, password):
                pass

    async def _close_session(self, session_id: int, password: bytes) -> bool:
        """Whether the session is closed now."""
        connect = struct.pack(">iqiqi", 0, 0, 10_000, session_id, len(password)) + password + b"\0"
        close = struct.pack(">ii", 1, _CLOSE_SESSION)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.writelines(struct.pack(">i", len(each)) + each for each in (connect, close))
        try:
            replies = await reader.read()
        except ConnectionError:
            return False
        finally:
            writer.close()
        if len(replies) < _CONNECTED.size:
            return False
        first, _, timeout_ms = _CONNECTED.unpack_from(replies)
        there_is_none: bool = timeout_ms <= 0
        return there_is_none or len(replies) > 4 + first

    def _prepare(self) -> list[str]:
        zookeeper.write_config(self._server)
        java, *rest = zookeeper.command(self._server)
        # It syncs before each reply, which may take a second on a disk that others sync too. No
        # test cuts the power; what a killed server has written is kept.
        return [java, "-Dzookeeper.forceSync=no", *rest]

    async def _answers(self) -> bool:
        return await zookeeper.fetch_mode("127.0.0.1", self.port) is not None
