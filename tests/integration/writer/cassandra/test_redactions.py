"""What removals need in Cassandra only: buckets, lost answers, deaths between two steps, TTLs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cassandra_server import CassandraServer
from tests.integration.writer.cassandra.support import SMALL, Doubt, item, names, opened
from tests.keyspace import Keyspace
from tests.support import examples
from wire.entry import Removed, RemovedBy, Restored, decode_notice, decode_seq, entry_type
from wire.errors import CommentRemoved, NotFound, StoreUnavailable
from writer.cassandra.store import CassandraStore
from writer.redaction import Redacted, Removal, Restoration
from writer.rules import SettingsChange
from writer.store import CommentStore, Outcome

pytestmark = pytest.mark.usefixtures("patient")

AT = "2030-01-01T00:00:00.000Z"


async def fill(store: CommentStore, count: int, video: str = "v") -> None:
    """In groups of three, so that packs have more than one comment."""
    posted = names(count)
    for begin in range(0, count, 3):
        await store.append(video, [item(name) for name in posted[begin : begin + 3]])


async def remove(store: CommentStore, *seqs: int, video: str = "v") -> Redacted:
    return await store.redact(video, Removal(seqs, RemovedBy.MODERATOR), AT)


async def restore(store: CommentStore, seq: int, video: str = "v") -> Redacted:
    return await store.redact(video, Restoration(seq), AT)


RESTORED_BEFORE = "a tombstone that no notice names: of what had shown a comment again"


async def state(store: CommentStore, video: str = "v") -> tuple[list[int], list[Any]]:
    """The numbers of removed comments, and what the notices say: targets or the restored number.
    The log must be dense, and have no text of what is removed.
    """
    page = await store.range(video, 0, 10**9)
    assert page.first_seq == 1
    assert len(page.comments) == page.head
    kinds = [entry_type(raw) for raw in page.comments]
    said: list[Any] = []
    gone: dict[int, bool] = {}
    for seq, raw in enumerate(page.comments, 1):
        notice = decode_notice(raw)
        if isinstance(notice, Removed):
            said.append(notice.targets)
            gone |= dict.fromkeys(notice.targets, True)
        elif isinstance(notice, Restored):
            said.append(decode_seq(bytes(notice.comment)))
            assert kinds[said[-1] - 1] == "comment", f"{seq} shows what is removed"
        elif kinds[seq - 1] == "tombstone" and not any(
            seq in decoded.targets
            for one in page.comments[seq:]
            if isinstance(decoded := decode_notice(one), Removed)
        ):
            said.append(RESTORED_BEFORE)
    tombstones = [seq for seq, kind in enumerate(kinds, 1) if kind == "tombstone" and gone.get(seq)]
    return tombstones, said


async def test_comments_of_many_buckets_are_removed_by_one_notice(store: CassandraStore) -> None:
    await fill(store, 23)
    done = await remove(store, 1, 2, 9, 17, 22, 23)
    assert done.notice == Removed((1, 2, 9, 17, 22, 23), RemovedBy.MODERATOR)
    assert await state(store) == ([1, 2, 9, 17, 22, 23], [(1, 2, 9, 17, 22, 23)])


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("step", range(8))
async def test_a_removal_that_ends_at_any_step_is_completed_by_the_same_call(
    store: CassandraStore, other: CassandraStore, step: int, applied: bool
) -> None:
    await fill(store, 13)
    Doubt(store, [None] * step + [applied])
    with suppress(StoreUnavailable):
        await remove(store, 2, 8, 13)
    await fill(other, 4)
    done = await remove(other, 2, 8, 13)
    assert {seq for seq, _ in done.notices}
    assert await state(other) == ([2, 8, 13], [(2, 8, 13)])
    again = await remove(store, 2, 8, 13)
    assert (again.notice, again.notices) == (None, done.notices)
    assert await state(other) == ([2, 8, 13], [(2, 8, 13)])


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("step", range(5))
async def test_a_restoration_that_ends_at_any_step_is_completed_by_the_same_call(
    store: CassandraStore, other: CassandraStore, step: int, applied: bool
) -> None:
    await fill(store, 7)
    await remove(store, 2)
    Doubt(store, [None] * step + [applied])
    with suppress(StoreUnavailable):
        await restore(store, 2)
    await fill(other, 4)
    await restore(other, 2)
    assert await state(other) == ([], [(2,), 2])
    again = await restore(store, 2)
    assert again.notice is None
    assert await state(other) == ([], [(2,), 2])


async def test_a_removal_that_was_not_completed_is_completed_with_more(
    store: CassandraStore, other: CassandraStore
) -> None:
    """The first call died between its steps; the second one names other comments too."""
    await fill(store, 8)
    Doubt(store, [None, None, True])  # kept, kept, rewritten
    with pytest.raises(StoreUnavailable):
        await remove(store, 2, 7)
    assert set((await state(other))[1]) <= {RESTORED_BEFORE}  # hidden, and no notice yet
    await remove(other, 2, 5, 7)
    assert await state(other) == ([2, 5, 7], [(2, 5, 7)])


async def test_a_removal_during_a_restoration_leaves_one_of_the_two(
    store: CassandraStore, other: CassandraStore
) -> None:
    await fill(store, 8)
    for turn in range(6):
        await asyncio.gather(remove(store, 3), restore(other, 3), return_exceptions=True)
        tombstones, said = await state(other)
        # Whoever was last has told so last.
        assert tombstones == ([3] if said[-1] == (3,) else []), turn


async def test_what_retention_took_is_not_found(
    keyspace: Keyspace, store: CassandraStore, other: CassandraStore
) -> None:
    await fill(store, 12)
    await remove(store, 2)
    await asyncio.to_thread(keyspace.remove_oldest, "v", 6, SMALL)
    for seq in (2, 5):
        with pytest.raises(NotFound):
            await remove(other, seq)
        with pytest.raises(NotFound):
            await restore(other, seq)
    await remove(other, 7)


async def test_a_pack_that_is_rewritten_does_not_live_for_longer(keyspace: Keyspace) -> None:
    async with opened(keyspace, retention_s=1_000) as store:
        await fill(store, 3)
        await remove(store, 2)
        await restore(store, 2)
        rows = await asyncio.to_thread(
            keyspace.run,
            "SELECT TTL(pack) FROM {k}.comments WHERE video_id = ? AND bucket = ? AND seq > 0",
            "v",
            0,
        )
    left = [row[0] for row in rows]
    assert len(left) == 3
    assert all(0 < ttl_s <= 1_000 for ttl_s in left)


async def test_what_is_kept_no_longer_cannot_be_restored(keyspace: Keyspace) -> None:
    async with opened(keyspace) as store:
        await fill(store, 3)
        done = await remove(store, 2)
        row = "WHERE video_id = ? AND bucket = ? AND seq = ?"
        ((ttl_s,),) = await asyncio.to_thread(
            keyspace.run, f"SELECT TTL(raw) FROM {{k}}.removed {row}", "v", 0, 2
        )
        assert 29 * 86_400 < ttl_s <= 30 * 86_400
        # What its TTL does in the end:
        await asyncio.to_thread(keyspace.run, f"DELETE raw FROM {{k}}.removed {row}", "v", 0, 2)
        with pytest.raises(CommentRemoved):
            await restore(store, 2)
        assert (await remove(store, 2)).notices == done.notices


NEW_TABLES = {1: ["removed"], 2: []}  # beside those of version 3
OF_VERSION_3 = ["rules", "repeats", "held", "held_times", "calls", "erased", "revoked", "authored"]


@pytest.mark.parametrize("version", [1, 2])
async def test_a_keyspace_of_an_earlier_version_is_brought_forward(
    cassandra_server: CassandraServer, version: int
) -> None:
    keyspace = Keyspace.new(cassandra_server)
    try:
        async with opened(keyspace) as store:
            await fill(store, 3)
            epoch = await store.epoch()
        for table in NEW_TABLES[version] + OF_VERSION_3:
            await asyncio.to_thread(keyspace.run, f"DROP TABLE {{k}}.{table}")
        text = "UPDATE {k}.identity SET schema_version = ? WHERE name = 'store'"
        await asyncio.to_thread(keyspace.run, text, version)
        async with opened(keyspace) as first, opened(keyspace) as second:
            assert await first.epoch() == await second.epoch() == epoch
            await remove(first, 2)
            assert await state(second) == ([2], [(2,)])
            assert (await first.rule("v", SettingsChange({"closed": True}), AT)).new
            (refused,) = await second.append("v", [item("late")])
            assert refused.outcome is Outcome.REFUSED
        text = "SELECT schema_version FROM {k}.identity WHERE name = 'store'"
        assert [tuple(row) for row in await asyncio.to_thread(keyspace.run, text)] == [(3,)]
    finally:
        await asyncio.to_thread(keyspace.drop)


async def test_a_keyspace_of_a_later_version_is_refused(
    cassandra_server: CassandraServer, caplog: pytest.LogCaptureFixture
) -> None:
    keyspace = Keyspace.new(cassandra_server)
    try:
        async with opened(keyspace):
            pass
        text = "UPDATE {k}.identity SET schema_version = 4 WHERE name = 'store'"
        await asyncio.to_thread(keyspace.run, text)
        store = CassandraStore(keyspace.config)
        await store.start()
        with pytest.raises(StoreUnavailable):
            await store.epoch()
        await store.stop()
    finally:
        await asyncio.to_thread(keyspace.drop)


steps = st.lists(
    st.tuples(
        st.sampled_from(["post", "remove", "restore"]), st.integers(0, 1), st.integers(0, 99)
    ),
    min_size=1,
    max_size=14,
)


@settings(
    max_examples=examples(12),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(steps, min_size=1, max_size=3))
def test_any_mix_is_as_one_after_the_other(
    cassandra_server: CassandraServer, plan: list[list[tuple[str, int, int]]]
) -> None:
    """Steps on two writers; the log and the state of each comment follow from it."""
    asyncio.run(_mix(Keyspace.emptied(cassandra_server), plan))


async def _mix(keyspace: Keyspace, plan: list[list[tuple[str, int, int]]]) -> None:
    async with (
        opened(keyspace, bucket_size=SMALL) as one,
        opened(keyspace, bucket_size=SMALL) as two,
    ):
        await fill(one, 4)
        for together in plan:
            done = await asyncio.gather(
                *(_step((one, two)[who], kind, number) for kind, who, number in together),
                return_exceptions=True,
            )
            for problem in done:
                assert problem is None or isinstance(problem, NotFound | StoreUnavailable), problem
        tombstones, said = await state(one)
        gone: set[int] = set()
        for notice in said:
            if notice == RESTORED_BEFORE:
                continue
            if isinstance(notice, tuple):
                gone |= set(notice)
            else:
                assert notice in gone, "restored twice"
                gone.discard(notice)
        assert tombstones == sorted(gone)
        targets = [seq for notice in said if isinstance(notice, tuple) for seq in notice]
        shown = said.count(RESTORED_BEFORE) + sum(isinstance(notice, int) for notice in said)
        # A removal may overtake a restoration which nobody has been told of yet. And a restoration
        # a removal: then it has to say so, or the notice of the removal would be the last word.
        kinds = [kind for together in plan for kind, _, _ in together]
        more = len(targets) - shown - len(gone)
        assert -kinds.count("remove") <= more <= kinds.count("restore"), "a notice too many"


async def _step(store: CassandraStore, kind: str, number: int) -> None:
    head = (await store.heads(["v"]))["v"]
    if kind == "post":
        await store.append("v", [item(name) for name in names(number % 3 + 1)])
    elif kind == "remove":
        await remove(store, *sorted({1 + number % head, 1 + number // 3 % head}))
    else:
        await restore(store, 1 + number % head)
