"""A new epoch for a keyspace that was restored from an older copy."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from tests.cassandra_server import CassandraServer
from tests.contracts.reaching import reached
from tests.integration.writer.cassandra.support import opened
from tests.keyspace import Keyspace
from wire.comment import Comment, NewComment
from wire.errors import StoreUnavailable
from writer.cassandra.epoch import renew_keyspace_epoch
from writer.cassandra.store import CassandraStore
from writer.store import Item, Outcome, StoreReplaced

pytestmark = pytest.mark.usefixtures("patient")


def item(text: str, key: str | None = None) -> Item:
    return Item(NewComment("ann", text), key, "2030-01-01T00:00:00.000Z")


async def test_a_new_epoch_stands_in_every_comment_and_nothing_else_changes(
    cassandra_server: CassandraServer,
) -> None:
    keyspace = Keyspace.emptied(cassandra_server)
    texts = ["one", "two", "three", "four"]
    async with opened(keyspace) as store:
        before = [one.raw for one in await store.append("v1", [item(text, text) for text in texts])]
        old_epoch = await store.epoch()
    old, new = await asyncio.to_thread(renew_keyspace_epoch, keyspace.config)
    assert old == old_epoch != new
    async with opened(keyspace) as store:
        assert await store.epoch() == new
        for page in (await store.range("v1", 0, 100), await store.recent("v1", 100)):
            found = [msgspec.json.decode(raw, type=Comment) for raw in page.comments]
            assert [one.id for one in found] == [f"{new}-{seq}" for seq in range(1, 5)]
            head = len('{"id":"') + len(new)
            assert [raw[head:] for raw in page.comments] == [raw[head:] for raw in before]
        again, fresh = await store.append("v1", [item("one", "one"), item("five")])
        assert (again.outcome, again.seq, fresh.seq) == (Outcome.REPLAYED, 1, 5)
        assert msgspec.json.decode(again.raw, type=Comment).id == f"{new}-1"


async def test_a_writer_that_still_uses_the_keyspace_is_told(
    cassandra_server: CassandraServer,
) -> None:
    keyspace = Keyspace.emptied(cassandra_server)
    told: list[StoreReplaced] = []
    async with reached(CassandraStore(keyspace.config, on_replaced=told.append)) as store:
        await asyncio.to_thread(renew_keyspace_epoch, keyspace.config)
        with pytest.raises(StoreReplaced):
            await store.check()
        assert told


async def test_a_keyspace_without_a_store_is_refused(cassandra_server: CassandraServer) -> None:
    config = Keyspace.new(cassandra_server).config
    with pytest.raises(StoreUnavailable):
        await asyncio.to_thread(renew_keyspace_epoch, config)
