"""Finding all that an author wrote, where that is in many places, and the store slow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from service.tasks import TaskHome
from tests.cassandra_server import CassandraServer
from tests.contracts.test_redactions import log_of, remove
from tests.contracts.test_rules import ANN, BOB, authored, post, written
from tests.dynamodb_table import Table
from tests.integration.writer.cassandra.support import SMALL
from tests.integration.writer.cassandra.support import opened as opened_cassandra
from tests.integration.writer.dynamodb.support import opened as opened_dynamodb
from tests.keyspace import Keyspace
from wire.entry import is_comment
from writer.comment_service import CommentService
from writer.metrics import WriterMetrics
from writer.purge import remove_all_of
from writer.store import MAX_GROUP, CommentStore
from writer.testing import ListSink

pytestmark = pytest.mark.usefixtures("patient")

BUCKETS = 40


@pytest.fixture(params=["cassandra", "dynamodb-moto"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def place(kind: str, request: pytest.FixtureRequest) -> Keyspace | Table:
    if kind == "cassandra":
        return Keyspace.emptied(request.getfixturevalue("cassandra_server"))
    return Table.new(request.getfixturevalue("moto_server"))


@pytest.fixture
async def store(place: Keyspace | Table) -> AsyncIterator[CommentStore]:
    """Which author wrote is noted for every five numbers."""
    if isinstance(place, Keyspace):
        async with opened_cassandra(place, bucket_size=SMALL) as store:
            yield store
    else:
        async with opened_dynamodb(place, author_bucket=SMALL) as dynamo:
            yield dynamo


def slow_down(store: Any, seconds: float) -> None:
    """Each call takes longer."""
    session = store._session if hasattr(store, "_session") else store.session
    call = session._send

    if asyncio.iscoroutinefunction(call):

        async def later(*args: Any) -> Any:
            await asyncio.sleep(seconds)
            return await call(*args)

        session._send = later
        return
    whole = session.call

    async def late(*args: Any, **more: Any) -> Any:
        await asyncio.sleep(seconds)
        return await whole(*args, **more)

    session.call = late


async def test_few_comments_in_many_buckets_are_removed(store: CommentStore) -> None:
    """Together the reads take far longer than one call may."""
    for number in range(BUCKETS):
        others = [written(f"{number}.{at}", BOB) for at in range(SMALL - 1)]
        await post(store, written(f"hm {number}"), *others)
    slow_down(store, 0.02)
    bounds = replace(store.read_bounds, deadline_s=1.0)
    metrics = WriterMetrics(CollectorRegistry())
    comments = CommentService(store, ListSink(), TaskHome(), metrics, read_bounds=bounds)
    assert await remove_all_of(comments, ANN, "v") == BUCKETS
    shown = [raw for raw in await log_of(store) if is_comment(raw)]
    assert len(shown) == BUCKETS * (SMALL - 1)
    assert b"hm " not in b"".join(shown)
    assert await remove_all_of(comments, "u_nobody", "v") == 0


async def test_more_than_the_driver_gives_at_once_is_found(
    cassandra_server: CassandraServer,
) -> None:
    """Its pages have 5,000 rows, and what follows the first one is not asked for."""
    async with opened_cassandra(Keyspace.emptied(cassandra_server)) as store:
        count = 11 * MAX_GROUP
        for first in range(1, count, MAX_GROUP):
            seqs = range(first, first + MAX_GROUP)
            author_id = BOB if first < count - MAX_GROUP else ANN
            await post(store, *(written(str(seq), author_id) for seq in seqs), video="w")
        for first in range(1, count, MAX_GROUP):
            await remove(store, *range(first, first + MAX_GROUP), video="w")
        expected = list(range(count - MAX_GROUP + 1, count + 1))
        assert await authored(store, ANN, "w", limit=MAX_GROUP) == expected
