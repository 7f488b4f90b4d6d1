from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.dynalite_server import DynaliteServer
from tests.dynamodb_table import Table
from tests.integration.writer.dynamodb.support import opened
from writer.dynamodb.store import DynamoStore


@pytest.fixture
def table(dynalite_server: DynaliteServer) -> Table:
    return Table.new(dynalite_server)


@pytest.fixture
async def store(table: Table) -> AsyncIterator[DynamoStore]:
    async with opened(table) as store:
        yield store


@pytest.fixture
async def other(table: Table) -> AsyncIterator[DynamoStore]:
    async with opened(table) as store:
        yield store
