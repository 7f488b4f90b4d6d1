"""Sessions, and what runs on them, of one test each; see tests/conftest.py for their ZooKeeper."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Protocol

import pytest

from coordination import Paths, ZooKeeperSession
from tests.zookeeper_server import ZooKeeperServer

# ZooKeeper may stand still for a second on a busy machine, which a short session takes for a loss.
SESSION_S = 10.0
SHORT_SESSION_S = 2.0  # where a loss, or the end of a session, is waited for
_roots = itertools.count(1)

Background = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
Expire = Callable[[ZooKeeperSession], Awaitable[None]]
SessionOn = Callable[[ZooKeeperServer], Awaitable[ZooKeeperSession]]


class Connect(Protocol):
    async def __call__(
        self, address: str, session_timeout_s: float = SESSION_S
    ) -> ZooKeeperSession: ...


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


def kazoo_of(session: ZooKeeperSession) -> Any:
    """kazoo's own client, for what a session does not show."""
    assert session._client is not None
    return session._client.kazoo


@pytest.fixture
def session_on(connect: Connect, paths: Paths) -> SessionOn:
    """`await session_on(server)`: a session, and the parent of all videos is there."""

    async def session_on(server: ZooKeeperServer) -> ZooKeeperSession:
        session = await connect(server.address)
        await session.ensure_path(paths.videos)
        return session

    return session_on


@pytest.fixture
def expire(zookeeper: ZooKeeperServer) -> Expire:
    """`await expire(session)`: end the session behind its owner's back, as the ensemble does it."""

    async def expire(session: ZooKeeperSession) -> None:
        await zookeeper.end_session(*kazoo_of(session).client_id)

    return expire


@pytest.fixture
async def background() -> AsyncIterator[Background]:
    """`background(thing.run())`: runs until the end of the test; its error fails the test."""
    tasks: list[asyncio.Task[None]] = []

    def spawn(coro: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(coro))
        return tasks[-1]

    yield spawn
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
