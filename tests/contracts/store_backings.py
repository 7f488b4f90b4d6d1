"""What a store under test stands on. A new store adds one class here and its name to DURABLE."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import pytest

from tests.cassandra_server import CassandraServer
from tests.dynamodb_table import Table
from tests.keyspace import Keyspace
from tests.support import eventually
from tests.tcp_proxy import TcpProxy
from wire.testing import MemoryComments
from writer.cassandra.store import CassandraStore
from writer.dynamodb.store import DynamoStore
from writer.memory_rules import MemoryRules
from writer.sqlite.store import SqliteStore
from writer.store import CommentStore
from writer.testing import MemoryStore


@dataclass(frozen=True, slots=True)
class Outage:
    """A started store that cannot reach its place until `end` is called."""

    store: CommentStore
    end: Callable[[], None]


class Backing(Protocol):
    """One place that holds comments; several store objects and processes may use it at a time."""

    kind: str
    oldest_lags: bool  # whether it makes use of what `Page` allows
    target: str  # what another process needs to find it

    def store(self) -> CommentStore:
        """Another store object on the same place; not started."""

    def remove_oldest(self, video_id: str, through: int) -> None:
        """What retention would do: remove the comments 1 to `through`."""

    def outage(self) -> AbstractAsyncContextManager[Outage]:
        """Another store object, which is cut off from the place; stopped at the end."""


class SqliteBacking:
    """A file."""

    kind = "sqlite"
    oldest_lags = False

    def __init__(self, target: str) -> None:
        self.target = target

    @classmethod
    def make(cls, request: pytest.FixtureRequest) -> SqliteBacking:
        folder: Path = request.getfixturevalue("tmp_path")
        return cls(str(folder / "comments.db"))

    def store(self) -> CommentStore:
        return SqliteStore(Path(self.target), busy_bound_s=20.0)

    def remove_oldest(self, video_id: str, through: int) -> None:
        connection = sqlite3.connect(self.target, timeout=20)
        with connection:
            connection.execute(
                "DELETE FROM comments WHERE video_id = ? AND seq <= ?", (video_id, through)
            )
        connection.close()

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[Outage]:
        """Its folder is not there yet, as before a disk is mounted."""
        with tempfile.TemporaryDirectory(dir=Path(self.target).parent) as parent:
            folder = Path(parent) / "later"
            store = SqliteStore(folder / "comments.db")
            await store.start()
            try:
                yield Outage(store, folder.mkdir)
            finally:
                await store.stop()


class CassandraBacking:
    """A keyspace on a real server."""

    kind = "cassandra"
    oldest_lags = True

    def __init__(self, target: str) -> None:
        self.target = target

    @classmethod
    def make(cls, request: pytest.FixtureRequest) -> CassandraBacking:
        server: CassandraServer = request.getfixturevalue("cassandra_server")
        return cls(Keyspace.emptied(server).target)

    def store(self) -> CommentStore:
        return CassandraStore(Keyspace.at(self.target).config)

    def remove_oldest(self, video_id: str, through: int) -> None:
        Keyspace.at(self.target).remove_oldest(video_id, through)

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[Outage]:
        """The way to the server is cut, after the store had a link."""
        keyspace = Keyspace.at(self.target)
        async with TcpProxy(keyspace.port, keyspace.host) as proxy:
            store = CassandraStore(
                replace(keyspace.config, contact_points=((keyspace.host, proxy.port),))
            )
            await store.start()
            await eventually(lambda: store.links)
            proxy.cut()
            try:
                yield Outage(store, proxy.heal)
            finally:
                await store.stop()


class DynamoBacking:
    """A table of an emulator."""

    oldest_lags = True
    kind, server = "", ""

    def __init__(self, target: str) -> None:
        self.target = target

    @classmethod
    def make(cls, request: pytest.FixtureRequest) -> DynamoBacking:
        return cls(Table.new(request.getfixturevalue(cls.server)).target)

    def store(self) -> CommentStore:
        return DynamoStore(Table.at(self.target).config)

    def remove_oldest(self, video_id: str, through: int) -> None:
        Table.at(self.target).remove_oldest(video_id, through)

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[Outage]:
        """The way to the service is cut, after the store had a link."""
        table = Table.at(self.target)
        async with TcpProxy(table.port, table.host) as proxy:
            store = DynamoStore(table.config_by(proxy.port))
            await store.start()
            await eventually(lambda: store.links)
            proxy.cut()
            try:
                yield Outage(store, proxy.heal)
            finally:
                await store.stop()


class MotoBacking(DynamoBacking):
    """On moto."""

    kind, server = "dynamodb-moto", "moto_server"


class DynaliteBacking(DynamoBacking):
    """On dynalite."""

    kind, server = "dynamodb-dynalite", "dynalite_server"


class MemoryBacking:
    """The fake, so that tests that use it can rely on it."""

    kind = "memory"
    oldest_lags = False
    target = ""

    def __init__(self) -> None:
        self._comments = MemoryComments()
        self._rulebook = MemoryRules(self._comments)

    @classmethod
    def make(cls, _request: pytest.FixtureRequest) -> MemoryBacking:
        return cls()

    def store(self) -> CommentStore:
        return MemoryStore(self._comments, self._rulebook)

    def remove_oldest(self, video_id: str, through: int) -> None:
        self._comments.oldest[video_id] = through + 1

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[Outage]:
        store = MemoryStore(self._comments, self._rulebook)
        await store.start()
        store.broken = True
        try:
            yield Outage(store, lambda: setattr(store, "broken", False))
        finally:
            await store.stop()


# Other processes can use these.
DURABLE: dict[str, type[SqliteBacking | CassandraBacking | DynamoBacking]] = {
    "sqlite": SqliteBacking,
    "cassandra": CassandraBacking,
    "dynamodb-moto": MotoBacking,
    "dynamodb-dynalite": DynaliteBacking,
}
BACKINGS = {"memory": MemoryBacking, **DURABLE}
