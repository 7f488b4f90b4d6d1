from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cassandra_server import CassandraServer
from tests.contracts.reaching import SETTLING
from tests.dynalite_server import DynaliteServer
from tests.dynamodb_table import Table
from tests.integration.writer.public_api import PublicApi
from tests.keyspace import Keyspace
from tests.support import started
from writer.cassandra import driver
from writer.dynamodb import client, session, slots

_PATIENCE = 10  # times as long as the product waits
_DEADLINES = [
    *[(driver, name) for name in ("READ_WITHIN_S", "CONDITION_WITHIN_S", "_CONNECT_WITHIN_S")],
    *[(client, name) for name in ("CONNECT_WITHIN_S", "_READ_WITHIN_S")],
    *[(session, name) for name in ("CHANGE_WITHIN_S", "TRY_WITHIN_S", "REPEAT_WITHIN_S")],
    (slots, "SEARCH_WITHIN_S"),
    *[(module, "SETTLE_WITHIN_S") for module in SETTLING],
]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores wait longer for answers: for tests of what is in them, where a server that is late on
    a busy machine would be one fault more. To be used before a store is started.
    """
    for module, name in _DEADLINES:
        monkeypatch.setattr(module, name, getattr(module, name) * _PATIENCE)


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
