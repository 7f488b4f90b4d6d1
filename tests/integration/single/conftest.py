from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from single.app import SingleService
from single.config import Config
from tests.integration.single.client import Connection

ORIGIN = "https://watch.example"


class Single:
    """A whole service in the test's own process; connections are closed with it."""

    def __init__(self, path: Path, **environ: str) -> None:
        common = {"PUBLIC_PORT": "0", "SQLITE_PATH": str(path), "CORS_ORIGINS": ORIGIN}
        self.service = SingleService(Config.from_env(common | environ))
        self._connections: list[Connection] = []

    @property
    def viewers(self) -> int:
        return len(self.service._node.hub.viewers)

    async def connect(self) -> Connection:
        connection = await Connection.open(self.service.public_port)
        self._connections.append(connection)
        return connection

    async def stop(self) -> None:
        for connection in self._connections:
            connection.close()
        await self.service.stop()


StartSingle = Callable[..., Awaitable[Single]]


@pytest.fixture
async def start_single(tmp_path: Path) -> AsyncIterator[StartSingle]:
    started: list[Single] = []

    async def start(**environ: str) -> Single:
        single = Single(tmp_path / "comments.db", **environ)
        started.append(single)
        await single.service.start()
        single.service.health.started = True  # as the runner does
        return single

    yield start
    for single in started:
        await single.stop()


@pytest.fixture
async def single(start_single: StartSingle) -> Single:
    return await start_single()
