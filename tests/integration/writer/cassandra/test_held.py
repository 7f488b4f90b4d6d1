"""What holding comments back needs in Cassandra only: more rows than the driver gives at once."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from cassandra.concurrent import execute_concurrent_with_args

from tests.contracts.test_moderation_store import held
from tests.contracts.test_rules import ANN, BOB
from tests.keyspace import Keyspace
from writer.cassandra.store import CassandraStore
from writer.held import Held

pytestmark = pytest.mark.usefixtures("patient")

ROWS = 5_001  # a page of the driver has 5,000


def write(keyspace: Keyspace, rows: list[Held]) -> None:
    with keyspace.session() as session:
        text = f"INSERT INTO {keyspace.name}.held (video_id, id, body) VALUES ('v', ?, ?)"
        values = [(one.id, msgspec.json.encode(one)) for one in rows]
        execute_concurrent_with_args(session, session.prepare(text), values)


async def test_what_is_held_of_an_author_is_forgotten_among_thousands(
    store: CassandraStore, keyspace: Keyspace
) -> None:
    others = [msgspec.structs.replace(held(), id=f"h_{n:032x}", author_id=BOB) for n in range(ROWS)]
    last = msgspec.structs.replace(held(author=ANN), id=f"h_{'f' * 32}")
    await asyncio.to_thread(write, keyspace, [*others, last])
    await store.moderation.forget_author(ANN, "v")
    assert await store.moderation.find_held("v", last.id) is None
    assert await store.moderation.find_held("v", others[-1].id) == others[-1]
