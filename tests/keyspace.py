"""A keyspace of its own on the test session's Cassandra, and a look behind the store's back."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cassandra.cluster import NoHostAvailable, Session

from tests.cassandra_server import CassandraServer
from tests.support import TIMEOUT_FACTOR
from writer.cassandra.config import CassandraConfig
from writer.cassandra.driver import new_cluster
from writer.cassandra.layout import BUCKET_SIZE, Buckets
from writer.stepwise.lines import unpack

WITHIN_S = 60 * TIMEOUT_FACTOR  # a connect, or one statement

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Keyspace:
    """`host:port/name` is what another process needs to find it."""

    host: str
    port: int
    name: str

    @classmethod
    def new(cls, server: CassandraServer) -> Keyspace:
        """Not made yet: the first store does that."""
        return cls(server.host, server.port, f"test_{os.getpid()}_{next(_numbers)}")

    @classmethod
    def emptied(cls, server: CassandraServer) -> Keyspace:
        """One that tests take in turn: as if it had just been made, in a tenth of the time."""
        keyspace = cls.shared(server)
        keyspace.empty()
        return keyspace

    @classmethod
    def shared(cls, server: CassandraServer) -> Keyspace:
        """The same, as it is."""
        return cls(server.host, server.port, f"test_{os.getpid()}")

    @classmethod
    def at(cls, target: str) -> Keyspace:
        address, name = target.split("/")
        host, port = address.rsplit(":", 1)
        return cls(host, int(port), name)

    @property
    def target(self) -> str:
        return f"{self.host}:{self.port}/{self.name}"

    @property
    def config(self) -> CassandraConfig:
        return CassandraConfig(((self.host, self.port),), keyspace=self.name)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Blocks; closed at the end."""
        session = self._connect()
        try:
            yield session
        finally:
            session.cluster.shutdown()

    def run(self, text: str, *values: object) -> list[Any]:
        """One statement in this keyspace, which `{k}` stands for."""
        with self.session() as session:
            statement = session.prepare(text.format(k=self.name))
            return list(session.execute(statement, values, timeout=WITHIN_S))

    def empty(self) -> None:
        """Whoever opens it next makes a new epoch."""
        with self.session() as session:
            metadata = session.cluster.metadata.keyspaces.get(self.name)
            for table in metadata.tables if metadata else ():
                session.execute(f"TRUNCATE {self.name}.{table}", timeout=WITHIN_S)

    def drop(self) -> None:
        with self.session() as session:
            session.execute(f"DROP KEYSPACE IF EXISTS {self.name}", timeout=WITHIN_S)

    def remove_oldest(self, video_id: str, through: int, bucket_size: int = BUCKET_SIZE) -> None:
        """What the end of a TTL does to the comments 1 to `through`; it may cut a pack."""
        buckets = Buckets(bucket_size)
        where = "WHERE video_id = ? AND bucket = ? AND seq"
        with self.session() as session:
            cut = session.prepare(
                f"UPDATE {self.name}.comments SET pack = ? {where} = ? AND key = ''"
            )
            remove = session.prepare(f"DELETE FROM {self.name}.comments {where} = ? AND key = ''")
            look = session.prepare(f"SELECT seq, pack FROM {self.name}.comments {where} > 0")
            for bucket in range(buckets.of(through) + 1):
                for last, lines in list(session.execute(look, (video_id, bucket))):
                    first, raws = unpack((last, lines))
                    if last <= through:
                        session.execute(remove, (video_id, bucket, last))
                    elif first <= through:
                        kept = b"\n".join(raws[through - first + 1 :])
                        session.execute(cut, (kept, video_id, bucket, last))

    def _connect(self) -> Session:
        """As a store does, which tries again: on a busy machine one attempt may end too soon."""
        deadline = time.monotonic() + WITHIN_S
        while True:
            cluster = new_cluster(self.config)
            try:
                return cluster.connect()
            except NoHostAvailable:
                cluster.shutdown()
                if time.monotonic() >= deadline:
                    raise
