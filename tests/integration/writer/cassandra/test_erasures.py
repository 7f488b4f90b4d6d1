"""Erasures in Cassandra: the ledger outside it, and what retention leaves of removed comments."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.contracts.reaching import reached
from tests.keyspace import Keyspace
from wire.comment import NewComment
from wire.entry import RemovedBy
from writer.cassandra.store import CassandraStore
from writer.moderation_store import Erasure
from writer.redaction import Removal
from writer.retention import kept_for
from writer.store import Item

AT = "2030-01-01T00:00:00.000Z"
ANN, BOB = "u_0123456789abcdefghijkl", "u_0123456789abcdefghijkm"


@asynccontextmanager
async def served(store: CassandraStore) -> AsyncIterator[CassandraStore]:
    async with reached(store):
        yield store


async def erased(store: CassandraStore, author_id: str, at_ms: int) -> None:
    await store.moderation.note_erasure(Erasure(author_id, at_ms, False))
    await store.moderation.note_erasure(Erasure(author_id, at_ms, True))


async def test_a_snapshot_that_is_put_back_learns_of_erasures_from_the_ledger(
    keyspace: Keyspace, tmp_path: Path
) -> None:
    path = tmp_path / "ledger"
    async with served(CassandraStore(keyspace.config, ledger=path)) as store:
        await erased(store, ANN, 5)
        await erased(store, BOB, 6)
        assert await store.moderation.open_erasures(10) == []
    await asyncio.to_thread(keyspace.run, "TRUNCATE {k}.erased")  # as an older copy of it
    async with served(CassandraStore(keyspace.config, ledger=path)) as store:
        undone = [Erasure(ANN, 5, False, restored=True), Erasure(BOB, 6, False, restored=True)]
        assert await store.moderation.open_erasures(10) == undone
        assert await store.moderation.open_erasures(10, ANN) == undone[1:]
        assert await store.moderation.find_erasure(ANN) == undone[0]
        await store.moderation.note_erasure(undone[0]._replace(done=True))
        assert await store.moderation.open_erasures(10) == undone[1:]
        await store.moderation.note_erasure(Erasure(ANN, 9, False))
        assert await store.moderation.find_erasure(ANN) == Erasure(ANN, 9, False)
    async with served(CassandraStore(keyspace.config)) as store:
        assert await store.moderation.open_erasures(10) == [Erasure(ANN, 9, False)]


@pytest.mark.parametrize(
    ("kept_s", "retention_s", "stays_s"), [(100.0, 0, 100.0), (100.0, 50, 50), (100.0, 500, 100.0)]
)
def test_a_removed_text_stays_no_longer_than_comments(
    kept_s: float, retention_s: int, stays_s: float
) -> None:
    assert kept_for(kept_s, retention_s) == stays_s


async def test_the_text_of_a_removed_comment_expires_with_its_pack(keyspace: Keyspace) -> None:
    """Not later, for by then nobody could put it back."""
    config = keyspace.config
    short = type(config)(config.contact_points, keyspace.name, retention_s=1_000)
    async with served(CassandraStore(short, removed_kept_s=50_000)) as store:
        await store.append("v", [Item(NewComment("Ann", "hi", ANN), None, AT)])
        await store.redact("v", Removal((1,), RemovedBy.MODERATOR), AT)
    query = "SELECT TTL(raw) FROM {k}.removed WHERE video_id = 'v' AND bucket = 0 AND seq = 1"
    ((left_s,),) = await asyncio.to_thread(keyspace.run, query)
    assert 0 < left_s <= 1_000
