from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.cassandra_server import CassandraServer
from tests.integration.writer.cassandra.support import SMALL, opened
from tests.keyspace import Keyspace
from writer.cassandra.store import CassandraStore


@pytest.fixture
def keyspace(cassandra_server: CassandraServer) -> Keyspace:
    return Keyspace.emptied(cassandra_server)


@pytest.fixture
async def store(keyspace: Keyspace) -> AsyncIterator[CassandraStore]:
    """With edges every 5 numbers."""
    async with opened(keyspace, bucket_size=SMALL) as store:
        yield store


@pytest.fixture
async def other(keyspace: Keyspace) -> AsyncIterator[CassandraStore]:
    async with opened(keyspace, bucket_size=SMALL) as store:
        yield store
