from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cassandra_server import CassandraServer
from tests.dynalite_server import DynaliteServer
from tests.dynamodb_table import Table
from tests.integration.writer.public_api import PublicApi
from tests.keyspace import Keyspace
from tests.support import started


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[PublicApi]:
    async with started(PublicApi(tmp_path / "comments.db")) as api:
        yield api


@pytest.fixture
def on_sqlite(tmp_path: Path) -> dict[str, str]:
    return {"STORE": "sqlite", "SQLITE_PATH": str(tmp_path / "comments.db")}


@pytest.fixture
def on_cassandra(cassandra_server: CassandraServer) -> dict[str, str]:
    keyspace = Keyspace.emptied(cassandra_server)
    return {
        "STORE": "cassandra",
        "CASSANDRA": f"{keyspace.host}:{keyspace.port}",
        "CASSANDRA_KEYSPACE": keyspace.name,
    }


@pytest.fixture
def on_dynalite(dynalite_server: DynaliteServer) -> dict[str, str]:
    table = Table.new(dynalite_server)
    return {"STORE": "dynamodb", "DYNAMODB_TABLE": table.name} | dynalite_server.variables


@pytest.fixture(params=["on_sqlite", "on_cassandra", "on_dynalite"])
def variables(request: pytest.FixtureRequest) -> dict[str, str]:
    """Of a writer: where its comments are."""
    variables: dict[str, str] = request.getfixturevalue(request.param)
    return variables
