"""A real dynalite for tests: an emulator of DynamoDB with its items in a file."""

from __future__ import annotations

import os
from pathlib import Path

from cluster.folder import dynalite_folder, home_folder
from cluster.ports import free_ports
from cluster.servers import dynalite, dynalite_packages
from tests.server_process import ServerProcess


class DynaliteServer(ServerProcess):
    """A restart keeps its items."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._server = dynalite.DynaliteServer(folder, free_ports(1)[0])

    @property
    def host(self) -> str:
        return self._server.host

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def variables(self) -> dict[str, str]:
        """With which a process of ours, or the SDK, finds it."""
        return dynalite.variables_for(self.host, self.port)

    def _prepare(self) -> list[str]:
        packages = dynalite_folder(home_folder(os.environ))
        dynalite_packages.fetch(packages)
        return dynalite.command(self._server, packages)

    async def _answers(self) -> bool:
        return await dynalite.answers(self.host, self.port)
