"""Groups in DynamoDB: one item each, by their first number."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.contracts.test_rules import authored
from tests.dynamodb_table import Table
from tests.integration.writer.cassandra.support import item, keyed, names, texts
from tests.integration.writer.dynamodb.support import Calls, opened
from wire.comment import MAX_TEXT
from wire.errors import StoreUnavailable
from writer.dynamodb import groups
from writer.dynamodb.layout import MAX_GROUP_BYTES, MAX_ITEM_BYTES, log_of
from writer.dynamodb.store import DynamoStore
from writer.stepwise.append import boot_time
from writer.store import MAX_GROUP, Outcome

pytestmark = pytest.mark.usefixtures("patient")


def firsts(table: Table, video: str = "v") -> list[int]:
    """The first numbers of the groups that are stored."""
    return [int(one["sk"]["S"]) for one in table.items(log_of(video))]


async def test_a_group_is_one_item(store: DynamoStore, table: Table) -> None:
    await store.append("v", [item("a"), item("b"), item("c")])
    await store.append("v", keyed("d"))
    assert firsts(table) == [1, 4]


async def test_what_is_too_large_for_an_item_is_cut(store: DynamoStore, table: Table) -> None:
    """All in their order, also when each character takes six bytes."""
    posted = [item(f"{number}:" + "\u007f" * (MAX_TEXT - 5)) for number in range(MAX_GROUP)]
    results = await store.append("v", posted)
    assert [result.seq for result in results] == list(range(1, MAX_GROUP + 1))
    assert len(firsts(table)) > 1
    assert await texts(store) == [one.comment.text for one in posted]
    largest = max(sum(map(len, attribute_bytes(one))) for one in table.items(log_of("v")))
    assert largest < MAX_ITEM_BYTES


def attribute_bytes(one: dict[str, Any]) -> list[bytes]:
    return [value["B"] for value in one.values() if "B" in value]


async def test_a_page_of_many_large_groups_is_read_in_parts(store: DynamoStore) -> None:
    """The service gives a megabyte at a time."""
    for _ in range(6):
        await store.append("v", [item(text + "x" * 400) for text in names(MAX_GROUP)])
    calls = Calls(store)
    assert len((await store.range("v", 0, 10**9)).comments) == 6 * MAX_GROUP
    assert calls.count("query") >= 4
    assert MAX_GROUP_BYTES < 1024 * 1024


async def test_ranges_that_begin_and_end_within_groups(store: DynamoStore) -> None:
    for count in (3, 1, 4):
        await store.append("v", [item(text) for text in names(count)])
    whole = (await store.range("v", 0, 99)).comments
    for after in range(9):
        for through in range(9):
            page = await store.range("v", after, through)
            assert page.comments == whole[after:through]
            assert (page.oldest, page.head) == (1, 8)


async def test_a_stale_head_collides_and_is_read_again(
    store: DynamoStore, other: DynamoStore
) -> None:
    await store.append("v", keyed("a"))
    await other.append("v", keyed("b"))
    await other.append("v", [item("c"), item("d")])
    (result,) = await store.append("v", keyed("e"))
    assert (result.outcome, result.seq) == (Outcome.NEW, 5)
    assert store.stats.lost_races == 1
    assert await texts(other) == ["a", "b", "c", "d", "e"]


async def test_a_head_counts_for_an_hour(
    store: DynamoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.append("v", keyed("a"))
    calls = Calls(store)
    await store.append("v", [item("b")])
    assert calls.count("query") == 0
    monkeypatch.setattr(groups.DynamoGroups, "heads_for_s", 0.0)
    await store.append("v", [item("c")])
    assert calls.count("query") == 1


async def test_a_group_that_was_held_up_for_hours_is_not_sent(
    store: DynamoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine slept between the head and the put: the groups after it may have expired."""
    await store.append("v", keyed("a"))
    now = boot_time()
    monkeypatch.setattr(groups, "boot_time", lambda: now + 7_200)
    with pytest.raises(StoreUnavailable):
        await store.append("v", [item("b")])
    monkeypatch.undo()
    assert await texts(store) == ["a"]


async def test_a_writer_that_died_before_it_noted_an_author_stored_nothing(
    store: DynamoStore,
) -> None:
    calls = Calls(store)
    calls.refuse = lambda name, params: "author|" in str(params) and name == "batch_write_item"
    with pytest.raises(StoreUnavailable):
        await store.append("v", [item("a", author_id="u_ann")])
    calls.release()
    assert await texts(store) == []
    await store.append("v", [item("b", author_id="u_ann")])
    assert await authored(store, "u_ann") == [1]


async def test_authors_are_noted_once_for_each_bucket(
    table: Table,
) -> None:
    """A group that crosses the edge of buckets is noted in both."""
    async with opened(table, author_bucket=5) as store:
        for _ in range(4):
            await store.append("v", [item(text, author_id="u_ann") for text in names(3)])
        notes = [one["sk"]["S"] for one in table.items("author|u_ann")]
        assert [int(note.partition("!")[2]) for note in notes] == [0, 1, 2]
        assert await authored(store, "u_ann", after=4) == list(range(5, 13))
        assert await store.authored("u_ann", "v", 4, 5) == ((5,), 5, True)
        assert await authored(store, "u_ann", "w") == []


async def test_videos_of_an_author_are_in_their_order(store: DynamoStore) -> None:
    """Also where one id begins with another one."""
    videos = ["a", "a-b", "aB", "a_", "ab", "b"]
    await asyncio.gather(*(store.append(v, [item("hi", author_id="u_ann")]) for v in videos))
    assert await store.authored_videos("u_ann", "", 10) == videos
    assert await store.authored_videos("u_ann", "a", 2) == ["a-b", "aB"]


async def test_two_stores_make_one_table(table: Table) -> None:
    async with opened(table) as one, opened(table) as two:
        assert await one.epoch() == await two.epoch()
