"""A real Redis for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from redis.asyncio.connection import Connection

from cluster.ports import free_ports
from cluster.servers import redis_server
from tests.server_process import ServerProcess


class RedisServer(ServerProcess):
    """It keeps nothing but its port."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (port,) = free_ports(1)
        self._server = redis_server.RedisServer(folder, port)

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def url(self) -> str:
        return self._server.url

    async def ask(self, *words: str | bytes) -> Any:
        """Its answer to one command."""
        connection = Connection(host="127.0.0.1", port=self.port, protocol=2)
        try:
            await connection.send_command(*words)
            return await connection.read_response()
        finally:
            await connection.disconnect()

    def _prepare(self) -> list[str]:
        redis_server.write_config(self._server)
        return redis_server.command(self._server)

    async def _answers(self) -> bool:
        return await redis_server.answers("127.0.0.1", self.port)
