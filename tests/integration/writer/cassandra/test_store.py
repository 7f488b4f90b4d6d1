"""What only the Cassandra store has: buckets and their edges, hints, TTLs, doubt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.cassandra_server import CassandraServer
from tests.integration.writer.cassandra.support import (
    SMALL,
    Doubt,
    item,
    keyed,
    names,
    opened,
    texts,
)
from tests.keyspace import Keyspace
from tests.support import eventually, started
from wire.errors import StoreUnavailable
from writer.cassandra.keys import HINTED_FROM
from writer.cassandra.layout import BUCKET_SIZE
from writer.cassandra.store import CassandraStore
from writer.stepwise.pausing import SETTLE_WITHIN_S
from writer.store import Outcome, StoreReplaced

pytestmark = pytest.mark.usefixtures("patient")


def outcomes(results: Any) -> list[tuple[str, int]]:
    return [(result.outcome.value, result.seq) for result in results]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 23])
async def test_numbers_are_dense_across_edges(store: CassandraStore, size: int) -> None:
    posted = names(46)
    for begin in range(0, 46, size):
        results = await store.append("v", [item(name) for name in posted[begin : begin + size]])
        assert [r.seq for r in results] == list(range(begin + 1, begin + len(results) + 1))
    assert await texts(store) == posted
    assert await store.heads(["v"]) == {"v": 46}


async def test_pages_cross_edges_and_end_anywhere(
    store: CassandraStore, other: CassandraStore
) -> None:
    await store.append("v", [item(name) for name in names(23)])
    for after, through in [(0, 23), (4, 5), (4, 6), (5, 6), (7, 19), (22, 23), (20, 99)]:
        page = await other.range("v", after, through)
        assert (page.first_seq, len(page.comments)) == (after + 1, min(through, 23) - after)
    page = await other.recent("v", 7, before=12)
    assert (page.first_seq, len(page.comments), page.oldest, page.head) == (5, 7, 1, 23)


async def test_two_stores_that_cross_edges_at_once_leave_dense_numbers(
    store: CassandraStore, other: CassandraStore
) -> None:
    async def post(target: CassandraStore, name: str) -> list[str]:
        posted = []
        for number in range(12):
            group = [f"{name}{number}-{index}" for index in range(4)]
            await target.append("v", keyed(*group))
            posted += group
        return posted

    mine, theirs = await asyncio.gather(post(store, "a"), post(other, "b"))
    stored = await texts(store)
    assert sorted(stored) == sorted(mine + theirs)
    assert [text for text in stored if text in set(mine)] == mine


async def test_a_key_is_known_across_every_edge(
    store: CassandraStore, other: CassandraStore
) -> None:
    """Also in buckets so late that only a hint says where to look."""
    posted = names(SMALL * (HINTED_FROM + 3))
    firsts = [(await store.append("v", keyed(name)))[0] for name in posted]
    again = await other.append("v", keyed(*posted))
    assert [r.outcome for r in again] == [Outcome.REPLAYED] * len(posted)
    assert [r.raw for r in again] == [first.raw for first in firsts]
    conflicts = await other.append("v", [item("else", name) for name in posted])
    assert {r.outcome for r in conflicts} == {Outcome.CONFLICT}
    assert await store.heads(["v"], {"v": len(posted)}) == {"v": len(posted)}


async def test_equal_keys_fold_across_an_edge(store: CassandraStore) -> None:
    await store.append("v", [item(name) for name in names(SMALL - 1)])
    results = await store.append("v", [*keyed("k", "l", "k"), item("else", "l"), *keyed("m")])
    assert outcomes(results) == [
        ("new", 5),
        ("new", 6),
        ("replayed", 5),
        ("conflict", 0),
        ("new", 7),
    ]


async def test_equal_keys_at_once_across_an_edge_give_one_comment(
    store: CassandraStore, other: CassandraStore
) -> None:
    for number in range(4 * SMALL):
        both = await asyncio.gather(
            *(target.append("v", keyed(f"k{number}")) for target in (store, other))
        )
        assert both[0][0].raw == both[1][0].raw
    assert len(await texts(store)) == 4 * SMALL


async def test_hints_of_buckets_that_were_never_written_are_made_good(
    keyspace: Keyspace, store: CassandraStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if each writer had died right after the first commit in a bucket."""

    async def dies(_video_id: str, _bucket: int) -> None:
        pass

    monkeypatch.setattr(store._reads, "write_bucket_hint", dies)
    await store.append("v", [item(name) for name in names(23)])
    async with opened(keyspace, bucket_size=SMALL) as fresh:
        assert await fresh.heads(["v"]) == {"v": 23}
        assert (await fresh.append("v", [item("next")]))[0].seq == 24
    assert keyspace.run("SELECT bucket FROM {k}.newest_buckets WHERE video_id = ?", "v") == [(4,)]


async def test_a_key_whose_comment_is_gone_may_be_used_again(
    keyspace: Keyspace, store: CassandraStore
) -> None:
    posted = names(3 * SMALL)
    await store.append("v", keyed(*posted))
    keyspace.remove_oldest("v", 2 * SMALL, SMALL)
    results = await store.append("v", keyed(posted[0], posted[-1]))
    assert outcomes(results) == [("new", 16), ("replayed", 15)]
    assert outcomes(await store.append("v", keyed(posted[0]))) == [("replayed", 16)]


async def test_comments_go_by_their_ttl_and_the_head_stays(keyspace: Keyspace) -> None:
    async with opened(keyspace, bucket_size=SMALL, retention_s=1) as store:
        await store.append("v", keyed(*names(12)))

        async def stored() -> int:
            return len((await store.recent("v", 100)).comments)

        async with asyncio.timeout(20):
            while await stored():
                await asyncio.sleep(0.1)
        page = await store.range("v", 0, 100)
        assert (page.comments, page.oldest, page.head) == ((), 13, 12)
        assert (await store.append("v", [item("x")]))[0].seq == 13
    async with opened(keyspace, bucket_size=SMALL) as fresh:
        assert await fresh.heads(["v"]) == {"v": 13}


async def test_a_hole_is_never_shown(keyspace: Keyspace) -> None:
    """Retention was off, on, and off again: the middle goes first."""
    for retention_s in (0, 1, 0):
        async with opened(keyspace, bucket_size=SMALL, retention_s=retention_s) as store:
            await store.append("v", [item(name) for name in names(3)])
    async with opened(keyspace, bucket_size=SMALL) as store:
        async with asyncio.timeout(20):
            while (page := await store.range("v", 0, 9)).oldest != 7:
                await asyncio.sleep(0.1)
        assert (page.first_seq, len(page.comments), page.head) == (7, 3, 9)
        page = await store.recent("v", 50)
        assert (page.first_seq, len(page.comments), page.oldest) == (7, 3, 7)


@pytest.mark.parametrize("applied", [[True], [False], [False, False], [False, True]])
@pytest.mark.parametrize("before", [0, SMALL - 1, SMALL, SMALL + 1])
async def test_a_lost_answer_is_found_out(
    store: CassandraStore, applied: list[bool], before: int
) -> None:
    """Whether the batch was carried out or not, also at an edge: one comment, told truthfully."""
    posted = names(before)
    if posted:
        await store.append("v", [item(name) for name in posted])
    Doubt(store, applied)
    results = await store.append("v", keyed("a", "b"))
    assert outcomes(results) == [("new", before + 1), ("new", before + 2)]
    assert await texts(store) == [*posted, "a", "b"]
    assert store.stats.unanswered == len(applied)
    assert sum(store.stats.settled.values()) == len(applied)


@pytest.mark.parametrize("applied", [True, False])
async def test_a_lost_answer_is_found_out_although_another_writer_went_on(
    store: CassandraStore, other: CassandraStore, applied: bool
) -> None:
    doubt = Doubt(store, [applied])
    doubt.between = lambda: other.append("v", keyed("theirs"))
    results = await store.append("v", keyed("a", "b"))
    assert outcomes(results) == [("new", 1 if applied else 2), ("new", 2 if applied else 3)]
    assert await texts(store) == (["a", "b", "theirs"] if applied else ["theirs", "a", "b"])


async def test_who_is_always_second_is_told_that_nothing_was_stored(
    store: CassandraStore, other: CassandraStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("writer.stepwise.append.SETTLE_WITHIN_S", 3.0)
    fetch = store._append._keys.fetch

    async def then_another_is_first(*args: Any) -> Any:
        found = await fetch(*args)
        await other.append("v", [item("theirs")])
        return found

    monkeypatch.setattr(store._append._keys, "fetch", then_another_is_first)
    with pytest.raises(StoreUnavailable, match="it was not stored"):
        await store.append("v", keyed("mine"))
    assert store.stats.lost_races
    assert set(await texts(other)) == {"theirs"}


async def test_a_writer_that_comes_back_after_retention_only_loses_a_race(
    keyspace: Keyspace, store: CassandraStore, other: CassandraStore
) -> None:
    """Its head is so old that the comment after it has gone."""
    await store.append("v", [item("a")])
    await other.append("v", [item(name) for name in names(11)])
    keyspace.remove_oldest("v", 2 * SMALL, SMALL)
    assert outcomes(await store.append("v", keyed("b"))) == [("new", 13)]


async def test_what_cannot_be_found_out_is_not_called_stored(
    store: CassandraStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.append("v", keyed("a"))
    monkeypatch.setattr("writer.stepwise.append.SETTLE_WITHIN_S", SETTLE_WITHIN_S)
    doubt = Doubt(store, [True])

    async def no_more_answers() -> None:
        await store._session.stop()

    doubt.between = no_more_answers
    with pytest.raises(StoreUnavailable, match="outcome unknown"):
        await store.append("v", keyed("b"))


async def test_many_who_ask_for_a_head_cost_one_read(store: CassandraStore) -> None:
    await store.append("v", keyed("a"))
    for _ in range(10):
        assert await store.heads(["v"] * 100) == {"v": 1}
    assert store.shared_heads >= 999


async def test_a_stale_head_is_not_told_to_who_knows_better(
    store: CassandraStore, other: CassandraStore
) -> None:
    await store.append("v", keyed("a"))
    for number in range(2, 30):
        assert (await other.heads(["v"], {"v": number - 1}))["v"] >= number - 1
        await store.append("v", keyed(f"a{number}"))
        assert await other.heads(["v"], {"v": number}) == {"v": number}


async def test_writers_that_start_at_once_make_one_schema(
    cassandra_server: CassandraServer,
) -> None:
    keyspace = Keyspace.new(cassandra_server)
    stores = [CassandraStore(keyspace.config) for _ in range(4)]
    await asyncio.gather(*(store.start() for store in stores))
    await eventually(lambda: all(store.links for store in stores), 60)
    assert len({await store.epoch() for store in stores}) == 1
    for number, store in enumerate(stores, 1):
        assert (await store.append("v", keyed(f"k{number}")))[0].seq == number
    await asyncio.gather(*(store.stop() for store in stores))
    keyspace.drop()


async def test_a_table_that_is_there_keeps_what_its_operator_chose(
    cassandra_server: CassandraServer,
) -> None:
    keyspace = Keyspace.new(cassandra_server)

    def options(table: str) -> Any:
        text = "SELECT compaction, gc_grace_seconds FROM system_schema.tables"
        where = " WHERE keyspace_name = ? AND table_name = ?"
        ((compaction, grace_s),) = keyspace.run(text + where, keyspace.name, table)
        return compaction["class"].rpartition(".")[2], grace_s

    async with opened(keyspace):
        pass
    assert options("key_buckets") == ("TimeWindowCompactionStrategy", 10_800)
    assert options("comments")[1] == 86_400
    chosen = "{{'class': 'UnifiedCompactionStrategy'}}"
    keyspace.run(f"ALTER TABLE {{k}}.key_buckets WITH compaction = {chosen}")
    keyspace.run("DROP TABLE {k}.newest_buckets")  # the schema is applied once more
    async with opened(keyspace) as store:
        assert outcomes(await store.append("v", keyed("a"))) == [("new", 1)]
    assert options("key_buckets") == ("UnifiedCompactionStrategy", 10_800)
    keyspace.drop()


@asynccontextmanager
async def emptied(keyspace: Keyspace) -> AsyncIterator[CassandraStore]:
    """A store whose keyspace was emptied behind its back, and which tells that it saw so."""
    told: list[StoreReplaced] = []
    async with started(CassandraStore(keyspace.config, on_replaced=told.append)) as store:
        await store.append("v", keyed("a"))
        keyspace.empty()
        yield store
        assert told


async def test_a_store_that_was_made_anew_is_not_taken_for_the_old_one(keyspace: Keyspace) -> None:
    async with emptied(keyspace) as store, opened(keyspace):
        with pytest.raises(StoreReplaced):
            await store.check()


async def test_who_posts_to_a_store_that_was_emptied_is_told_what_it_is(keyspace: Keyspace) -> None:
    async with emptied(keyspace) as store:
        with pytest.raises(StoreReplaced):
            await store.append("v", keyed("b"))


async def test_a_head_that_is_gone_is_told_as_not_stored(
    keyspace: Keyspace, store: CassandraStore
) -> None:
    """Only the comments were removed, by hand: it is still the same store."""
    await store.append("v", keyed("a"))
    keyspace.run("TRUNCATE {k}.comments")
    with pytest.raises(StoreUnavailable, match="it was not stored") as told:
        await store.append("v", keyed("b"))
    assert not isinstance(told.value, StoreReplaced)
    assert outcomes(await store.append("v", keyed("b"))) == [("new", 1)]


async def test_twenty_thousand_numbers_are_one_bucket(keyspace: Keyspace) -> None:
    async with opened(keyspace) as store:
        for _ in range(BUCKET_SIZE // 500):
            await store.append("v", [item("x")] * 500)
        assert (await store.append("v", keyed("first of the next")))[0].seq == BUCKET_SIZE + 1
        page = await store.range("v", BUCKET_SIZE - 2, BUCKET_SIZE + 1)
        assert (page.first_seq, len(page.comments)) == (BUCKET_SIZE - 1, 3)
    heads = keyspace.run("SELECT DISTINCT video_id, bucket, head FROM {k}.comments")
    assert sorted(heads) == [("v", 0, BUCKET_SIZE), ("v", 1, BUCKET_SIZE + 1)]
