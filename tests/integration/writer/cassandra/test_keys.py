"""Searches for idempotency keys in videos of many buckets: what they cost, and where they end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.cassandra_server import CassandraServer
from tests.integration.writer.cassandra.support import (
    Reads,
    item,
    keyed,
    names,
    opened,
    texts,
    until_served,
)
from tests.keyspace import Keyspace
from tests.support import eventually
from wire.errors import StoreUnavailable
from writer.cassandra.keys import BUCKETS_AT_ONCE, HINTED_FROM
from writer.cassandra.store import CassandraStore
from writer.store import Outcome

pytestmark = pytest.mark.usefixtures("patient")

SMALL = 5
BUCKETS = 40
HEAD = BUCKETS * SMALL


@pytest.fixture
async def store(cassandra_server: CassandraServer) -> AsyncIterator[CassandraStore]:
    """With edges every 5 numbers, and a video "v" of 40 full buckets; "old" is a key in the first
    bucket that has hints, "later" one in the middle.
    """
    async with opened(Keyspace.emptied(cassandra_server), bucket_size=SMALL) as store:
        for bucket in range(BUCKETS):
            first = {HINTED_FROM: ["old"], BUCKETS // 2: ["later"]}.get(bucket, [])
            group = keyed(*first, *names(SMALL - len(first)))
            await until_served(lambda group=group: store.append("v", group))
        yield store


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search ends when a test says so, however slow the machine is."""
    monkeypatch.setattr("writer.cassandra.keys.SEARCH_WITHIN_S", 60)
    monkeypatch.setattr("writer.cassandra.keys.SWEEP_WITHIN_S", 60)


async def hint_too_early(store: CassandraStore, *keys: str) -> None:
    """As a writer leaves it that was slow to write its hint, or died after it."""
    await store._append._keys.write_hints("v", HINTED_FROM * SMALL, keys)


async def test_an_old_key_is_looked_for_only_where_its_hint_says(store: CassandraStore) -> None:
    reads = Reads(store)
    (again,) = await store.append("v", keyed("old"))
    assert (again.outcome, again.seq) == (Outcome.REPLAYED, HINTED_FROM * SMALL + 1)
    assert reads.key_buckets == [0, 1, HINTED_FROM]


async def test_a_key_is_looked_for_no_further_than_it_is_found(store: CassandraStore) -> None:
    await hint_too_early(store, "later")
    reads = Reads(store)
    (again,) = await store.append("v", keyed("later"))
    assert (again.outcome, again.seq) == (Outcome.REPLAYED, BUCKETS // 2 * SMALL + 1)
    assert BUCKETS // 2 <= max(reads.key_buckets) < BUCKETS // 2 + BUCKETS_AT_ONCE


async def test_a_key_that_is_nowhere_is_looked_for_in_many_buckets_at_a_time(
    store: CassandraStore,
) -> None:
    await hint_too_early(store, "nowhere")
    reads = Reads(store)
    reads.hold = lambda name, values: name == "keys" and values[1] > HINTED_FROM
    posting = asyncio.ensure_future(store.append("v", keyed("nowhere")))
    await eventually(lambda: reads.held == BUCKETS_AT_ONCE)
    reads.release()
    (result,) = await posting
    assert (result.outcome, result.seq) == (Outcome.NEW, HEAD + 1)
    assert sorted(reads.key_buckets) == list(range(BUCKETS + 1))
    assert reads.most_held == BUCKETS_AT_ONCE


async def test_a_key_whose_search_does_not_end_fails_alone(
    store: CassandraStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it is stored cannot be told, so it is not stored again; the others are."""
    monkeypatch.setattr("writer.cassandra.keys.SWEEP_WITHIN_S", 0.3)
    await hint_too_early(store, "later", "nowhere")
    reads = Reads(store)
    reads.hold = lambda name, values: name == "keys" and values[1] >= BUCKETS // 2
    group = [*keyed("later"), item("a"), *keyed("nowhere", "b", "later", "old")]
    results = await asyncio.wait_for(store.append("v", group), 20)
    assert [(result.outcome, result.seq) for result in results] == [
        (Outcome.UNDECIDED, 0),
        (Outcome.NEW, HEAD + 1),
        (Outcome.UNDECIDED, 0),
        (Outcome.NEW, HEAD + 2),
        (Outcome.UNDECIDED, 0),
        (Outcome.REPLAYED, HINTED_FROM * SMALL + 1),
    ]
    assert store.stats.unsearched == 3

    reads.release()
    monkeypatch.setattr("writer.cassandra.keys.SWEEP_WITHIN_S", 60)
    again = await store.append("v", keyed("later", "nowhere", "b"))
    assert [(result.outcome, result.seq) for result in again] == [
        (Outcome.REPLAYED, BUCKETS // 2 * SMALL + 1),
        (Outcome.NEW, HEAD + 3),
        (Outcome.REPLAYED, HEAD + 2),
    ]
    stored = await texts(store)
    assert len(stored) == HEAD + 3
    assert stored.count("later") == 1


async def test_keys_that_cannot_be_read_keep_nobody_else_from_being_stored(
    store: CassandraStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("writer.cassandra.keys.SEARCH_WITHIN_S", 0.3)
    reads = Reads(store)
    reads.hold = lambda name, _: name == "key_buckets"
    group = [item("a"), *keyed("b")]
    results = await asyncio.wait_for(store.append("v", group), 20)
    assert [result.outcome for result in results] == [Outcome.NEW, Outcome.UNDECIDED]


async def test_a_search_goes_on_where_it_was_given_up(store: CassandraStore) -> None:
    await hint_too_early(store, "nowhere")
    reads = Reads(store)
    reads.refuse = lambda name, values: name == "keys" and values[1] >= 30
    with pytest.raises(StoreUnavailable, match="not stored"):
        await store.append("v", keyed("nowhere"))
    given_up_at = HINTED_FROM + 1 + BUCKETS_AT_ONCE
    reads.release()
    reads.key_buckets.clear()
    (result,) = await store.append("v", keyed("nowhere"))
    assert (result.outcome, result.seq) == (Outcome.NEW, HEAD + 1)
    assert sorted(reads.key_buckets) == [0, 1, *range(given_up_at, BUCKETS + 1)]


async def test_a_head_that_does_not_come_does_not_hold_up_a_video(
    store: CassandraStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("writer.stepwise.append.SETTLE_WITHIN_S", 0.3)
    reads = Reads(store)
    reads.hold = lambda name, _: name == "head"
    with pytest.raises(StoreUnavailable, match="not stored"):
        await asyncio.wait_for(store.append("w", keyed("a")), 20)
