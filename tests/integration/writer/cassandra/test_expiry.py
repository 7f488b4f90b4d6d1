"""What has expired in Cassandra is not read over: counted by the server itself, for each read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cassandra.concurrent import execute_concurrent_with_args

from tests.cassandra_server import CassandraServer
from tests.integration.writer.cassandra.support import item, keyed, names, opened
from tests.keyspace import Keyspace
from tests.support import eventually
from writer.cassandra.layout import ANCHOR, MAX_PACK
from writer.store import Outcome

FEW = 4 * MAX_PACK  # cells; a pack that has expired is two of them
EXPIRED = 1_000


@pytest.fixture
def keyspace(cassandra_server: CassandraServer) -> Iterator[Keyspace]:
    """One that nobody has read from yet."""
    keyspace = Keyspace.new(cassandra_server)
    yield keyspace
    keyspace.drop()


def most_read_over(keyspace: Keyspace) -> int:
    """Of any read of this keyspace's comments, also those that conditions make."""
    text = "SELECT max FROM system_views.tombstones_per_read WHERE keyspace_name = ?"
    ((most,),) = keyspace.run(text + " AND table_name = 'comments'", keyspace.name)
    return int(most)


def anchors(keyspace: Keyspace) -> list[int]:
    """Buckets of "v" that have one."""
    text = "SELECT bucket FROM {k}.comments WHERE video_id = 'v' AND bucket IN (0, 1, 2, 3)"
    return [bucket for (bucket,) in keyspace.run(text + f" AND seq = {ANCHOR}")]


async def test_keys_that_have_expired_cost_heads_and_conditions_nothing(
    keyspace: Keyspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("writer.cassandra.statements.KEEP_KEYS_S", 1)
    async with opened(keyspace) as store:
        for _ in range(EXPIRED // 500):
            posted = names(500)
            await store.append("v", keyed(*posted))
    look = (
        "SELECT key FROM {k}.comments WHERE video_id = 'v' AND bucket = 0 AND seq = 0 AND key = ?"
    )
    await eventually(lambda: not keyspace.run(look, posted[-1]))
    async with opened(keyspace) as store:
        assert await store.heads(["v"]) == {"v": EXPIRED}
        assert (await store.append("v", [item("next")]))[0].seq == EXPIRED + 1
    assert most_read_over(keyspace) < FEW


async def test_comments_that_have_expired_are_not_read_over(keyspace: Keyspace) -> None:
    async with opened(keyspace) as store:
        await store.append("v", [item("only to begin the bucket")])
    expire_packs(keyspace)
    look = "SELECT seq FROM {k}.comments WHERE video_id = 'v' AND bucket = 0 AND seq = ?"
    await eventually(lambda: not keyspace.run(look, EXPIRED))
    async with opened(keyspace) as store:
        page = await store.range("v", 0, 10)
        assert (page.comments, page.oldest, page.head) == ((), EXPIRED + 1, EXPIRED)
        (posted,) = await store.append("v", keyed("next"))
        assert (await store.recent("v", 1)).comments == (posted.raw,)
        assert (await store.append("v", keyed("next")))[0].outcome is Outcome.REPLAYED
        assert await store._reads.fetch_comment("v", 5) is None
        assert await store._reads.fetch_token_after("v", 5, serial=True) is None
    assert most_read_over(keyspace) < FEW


def expire_packs(keyspace: Keyspace) -> None:
    """A thousand comments one by one, with a retention of a second, as `append` would have it."""
    row = "(video_id, bucket, seq, key, pack, group_token) VALUES ('v', 0, ?, '', 0x78, 0x78)"
    with keyspace.session() as session:
        add = session.prepare(f"INSERT INTO {keyspace.name}.comments {row} USING TTL 1")
        execute_concurrent_with_args(session, add, [(seq,) for seq in range(1, EXPIRED)])
        session.execute(add, [EXPIRED])  # last: when that has expired, all have
        where = "WHERE video_id = 'v' AND bucket = 0"
        session.execute(f"UPDATE {keyspace.name}.comments SET head = {EXPIRED} {where} IF head = 1")


async def test_a_bucket_of_an_older_release_gets_its_anchor_when_it_is_read(
    cassandra_server: CassandraServer,
) -> None:
    keyspace = Keyspace.emptied(cassandra_server)
    async with opened(keyspace, bucket_size=5) as store:
        await store.append("v", keyed(*names(12)))
    assert anchors(keyspace) == [0, 1, 2]
    remove = "DELETE FROM {k}.comments WHERE video_id = 'v' AND bucket IN (0, 1, 2) AND seq = "
    keyspace.run(f"{remove}{ANCHOR}")
    assert anchors(keyspace) == []
    async with opened(keyspace, bucket_size=5) as store, opened(keyspace, bucket_size=5) as other:
        assert await store.heads(["v"]) == {"v": 12}
        assert anchors(keyspace) == [2]
        for writer in (store, other):
            await writer.append("v", keyed(*names(2)))
        assert await other.heads(["v"], {"v": 16}) == {"v": 16}
    assert anchors(keyspace) == [2, 3]


async def test_a_ttl_that_somebody_gave_to_the_table_takes_no_head(keyspace: Keyspace) -> None:
    async with opened(keyspace) as store:
        keyspace.run("ALTER TABLE {k}.comments WITH default_time_to_live = 3600")
        await store.append("v", [item("a")])
    columns = "TTL(head), TTL(pack), TTL(group_token)"
    rows = keyspace.run(f"SELECT {columns} FROM {{k}}.comments WHERE video_id = 'v' AND bucket = 0")
    assert rows == [(None, None, None)] * 2  # the anchor and the comment
