"""One ZooKeeper for all tests that do it no harm, and one of its own for each that does."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from coordination import Paths, ZooKeeperSession
from tests.zookeeper_server import ZooKeeperServer

SESSION_S = 2.0
_roots = itertools.count(1)

Connect = Callable[..., Awaitable[ZooKeeperSession]]


@pytest.fixture(scope="session")
def zookeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZooKeeperServer]:
    server = ZooKeeperServer(tmp_path_factory.mktemp("zookeeper"))
    asyncio.run(server.start())
    yield server
    asyncio.run(server.clean())


@pytest.fixture
async def own_zookeeper(tmp_path: Path) -> AsyncIterator[ZooKeeperServer]:
    server = ZooKeeperServer(tmp_path / "zookeeper")
    await server.start()
    yield server
    await server.clean()


@pytest.fixture
def paths() -> Paths:
    """A root that no other test uses."""
    return Paths(f"/test-{next(_roots)}")


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """`await connect(address)`: a session that is stopped at the end of the test."""
    sessions: list[ZooKeeperSession] = []

    async def connect(address: str, session_timeout_s: float = SESSION_S) -> ZooKeeperSession:
        session = ZooKeeperSession(address, session_timeout_s=session_timeout_s)
        sessions.append(session)
        await session.start(timeout_s=20)
        return session

    yield connect
    await asyncio.gather(*(session.stop() for session in sessions))


@pytest.fixture
def expire(zookeeper: ZooKeeperServer) -> Callable[[ZooKeeperSession], Awaitable[None]]:
    """`await expire(session)`: end the session behind its owner's back, as the ensemble does it."""

    def close(client_id: tuple[int, bytes]) -> None:
        thief = KazooClient(zookeeper.address, client_id=client_id)
        thief.start()
        thief.stop()
        thief.close()

    async def expire(session: ZooKeeperSession) -> None:
        await asyncio.to_thread(close, session._client.kazoo.client_id)

    return expire


@pytest.fixture
async def background() -> AsyncIterator[Callable[..., asyncio.Task[None]]]:
    """`background(thing.run())`: runs until the end of the test; its error fails the test."""
    tasks: list[asyncio.Task[None]] = []

    def spawn(coro: Awaitable[None]) -> asyncio.Task[None]:
        tasks.append(asyncio.ensure_future(coro))  # type: ignore[arg-type]
        return tasks[-1]

    yield spawn
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
