"""A real ZooKeeper for tests."""

from __future__ import annotations

import shutil
from pathlib import Path

from cluster.ports import free_ports
from cluster.servers import zookeeper
from tests.server_process import ServerProcess


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
        return await zookeeper.ask("127.0.0.1", self.port, word)

    def _prepare(self) -> list[str]:
        zookeeper.write_config(self._server)
        return zookeeper.command(self._server)

    async def _answers(self) -> bool:
        return await zookeeper.fetch_mode("127.0.0.1", self.port) is not None
