"""moto for tests: an emulator of DynamoDB in memory, independent of dynalite."""

from __future__ import annotations

import sys
from pathlib import Path

from cluster.ports import free_ports
from cluster.servers import dynalite
from tests.server_process import ServerProcess

_SERVE = Path(__file__).with_name("moto_serve.py")


class MotoServer(ServerProcess):
    """A restart forgets everything."""

    host = "127.0.0.1"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (self.port,) = free_ports(1)

    @property
    def variables(self) -> dict[str, str]:
        """With which a process of ours, or the SDK, finds it."""
        return dynalite.variables_for(self.host, self.port)

    def _prepare(self) -> list[str]:
        return [sys.executable, str(_SERVE), self.host, str(self.port)]

    async def _answers(self) -> bool:
        return await dynalite.answers(self.host, self.port)
