"""Retention in DynamoDB: groups get a `ttl` when they are not the newest one any more."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from tests.dynamodb_table import Table
from tests.integration.writer.cassandra.support import item, keyed, names
from tests.integration.writer.dynamodb.support import Calls, opened
from tests.support import eventually
from wire.entry import RemovedBy
from writer.dynamodb.items import Item, n, number_in, number_of
from writer.dynamodb.layout import log_of
from writer.dynamodb.store import DynamoStore
from writer.redaction import Removal
from writer.stepwise.append import boot_time
from writer.store import Outcome

pytestmark = pytest.mark.usefixtures("patient")

DAY_S = 86_400


@pytest.fixture
async def kept(table: Table) -> AsyncIterator[DynamoStore]:
    async with opened(table, retention_s=DAY_S) as store:
        yield store


def groups(table: Table) -> list[Item]:
    return table.items(log_of("v"))


def ends(table: Table) -> list[int | None]:
    """The `ttl` of all groups."""
    return [number_in(one, "ttl") for one in groups(table)]


async def settled(store: DynamoStore) -> None:
    await eventually(lambda: not store.retention.waiting)


async def test_all_groups_but_the_newest_one_get_an_end(kept: DynamoStore, table: Table) -> None:
    for _ in range(4):
        await kept.append("v", [item(text) for text in names(2)])
    await settled(kept)
    assert [end is None for end in ends(table)] == [False, False, False, True]
    for one in groups(table)[:-1]:
        assert number_of(one["ttl"]) == number_of(one["at"]) + DAY_S


async def test_a_group_of_another_writer_gets_one_too(kept: DynamoStore, table: Table) -> None:
    async with opened(table, retention_s=DAY_S) as other:
        await kept.append("v", keyed("a"))
        await other.append("v", keyed("b"))
        await other.append("v", keyed("c"))
        await kept.append("v", keyed("d"))
        await settled(kept)
        await settled(other)
    assert [end is None for end in ends(table)] == [False, False, False, True]


async def test_without_retention_none_has(store: DynamoStore, table: Table) -> None:
    for _ in range(3):
        await store.append("v", [item(text) for text in names(2)])
    assert ends(table) == [None] * 3


async def test_an_end_that_cannot_be_written_is_counted(kept: DynamoStore, table: Table) -> None:
    await kept.append("v", keyed("a"))
    calls = Calls(kept)
    calls.refuse = lambda name, _: name == "update_item"
    await kept.append("v", keyed("b"))
    await settled(kept)
    assert (kept.retention.lost, ends(table)) == (1, [None, None])


async def test_more_than_can_wait_only_stay_longer(
    kept: DynamoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("writer.dynamodb.retention.MAX_WAITING", 1)
    calls = Calls(kept)
    calls.hold = lambda name, _: name == "update_item"
    for text in "abcd":
        await kept.append("v", keyed(text))
    assert (kept.retention.waiting, kept.retention.lost) == (1, 2)
    calls.release()
    await settled(kept)


async def test_a_stop_writes_what_it_still_can(table: Table) -> None:
    async with opened(table, retention_s=DAY_S) as store:
        await store.append("v", keyed("a"))
        await store.append("v", keyed("b"))
    assert [end is None for end in ends(table)] == [False, True]


def let_them_end(table: Table, *, deleted: bool) -> None:
    """All but the newest one, whether or not the service has deleted them by now."""
    for one in groups(table)[:-1]:
        if deleted:
            table.delete(one)
        else:
            table.put({**one, "ttl": n(int(time.time()) - 1)})


@pytest.mark.parametrize("deleted", [False, True])
async def test_what_has_ended_is_gone_for_all(
    kept: DynamoStore, table: Table, *, deleted: bool
) -> None:
    for text in "abcdef":
        await kept.append("v", keyed(text))
    await settled(kept)
    let_them_end(table, deleted=deleted)
    async with opened(table) as fresh:
        page = await fresh.range("v", 0, 99)
        assert (page.first_seq, len(page.comments), page.oldest, page.head) == (6, 1, 6, 6)
        assert (await fresh.range("v", 0, 3)).comments == ()
        assert len((await fresh.recent("v", 10)).comments) == 1
        assert await fresh.heads(["v"]) == {"v": 6}
        (again,) = await fresh.append("v", keyed("a"))
        assert (again.outcome, again.seq) == (Outcome.NEW, 7)  # its comment is gone


async def test_a_stale_head_is_not_used_when_its_groups_may_have_ended(
    kept: DynamoStore, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the number after it would be given twice."""
    async with opened(table) as stale:
        for text in "abc":
            await kept.append("v", keyed(text))
        await stale.append("v", [item("d")])
        for text in "efgh":
            await kept.append("v", keyed(text))
        await settled(kept)
        let_them_end(table, deleted=True)
        now = boot_time()
        monkeypatch.setattr("writer.stepwise.append.boot_time", lambda: now + DAY_S)
        monkeypatch.setattr("writer.dynamodb.groups.boot_time", lambda: now + DAY_S)
        (result,) = await stale.append("v", [item("i")])
        assert result.seq == 9


async def test_a_rewrite_does_not_change_when_a_group_ends(kept: DynamoStore, table: Table) -> None:
    await kept.append("v", keyed("a", "b"))
    await kept.append("v", keyed("c"))
    await settled(kept)
    before = ends(table)[0]
    removal = Removal((1,), RemovedBy.MODERATOR)
    await kept.redact("v", removal, "2030-01-01T00:00:00.000Z")
    assert ends(table)[0] == before
    assert number_of(groups(table)[0]["version"]) == 1
