"""Idempotency keys in DynamoDB: their marks, and the search where a mark does not say enough."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from tests.dynamodb_table import Table
from tests.integration.writer.cassandra.support import item, keyed, names, texts
from tests.integration.writer.dynamodb.support import Calls, opened
from tests.support import eventually
from wire.errors import StoreUnavailable
from writer.dynamodb.items import n
from writer.dynamodb.keys import GROUPS_AT_ONCE
from writer.dynamodb.layout import log_of
from writer.dynamodb.store import DynamoStore
from writer.store import Outcome

pytestmark = pytest.mark.usefixtures("patient")

GROUPS = 40  # of one comment each; "later" is in the middle
HEAD = GROUPS


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search ends when a test says so, however slow the machine is."""
    monkeypatch.setattr("writer.dynamodb.keys.SEARCH_WITHIN_S", 60)
    monkeypatch.setattr("writer.dynamodb.keys.SWEEP_WITHIN_S", 60)
    monkeypatch.setattr("writer.stepwise.rules_as_of.CARRIED_FOR_S", 600)  # calls are counted


@pytest.fixture
async def full(store: DynamoStore) -> DynamoStore:
    for number in range(GROUPS):
        group = keyed("later") if number == GROUPS // 2 else keyed(*names(1))
        await store.append("v", group)
    return store


async def mark_too_early(store: DynamoStore, *keys: str) -> None:
    """As a writer leaves it that was slow to put its mark, or died after it."""
    await store._append._keys.write_hints("v", 1, keys)


def sweeps(calls: Calls) -> list[dict[str, Any]]:
    """Reads of many groups."""
    return [
        params
        for name, params in calls.seen
        if name == "query" and "BETWEEN" in params["KeyConditionExpression"]
    ]


async def test_a_new_key_costs_no_search(full: DynamoStore) -> None:
    calls = Calls(full)
    await full.append("v", keyed("new"))
    assert [name for name, _ in calls.seen] == ["batch_get_item", "batch_write_item", "put_item"]


async def test_without_a_key_there_is_one_call(full: DynamoStore) -> None:
    calls = Calls(full)
    await full.append("v", [item("a")])
    assert [name for name, _ in calls.seen] == ["put_item"]


async def test_a_key_is_looked_for_where_its_mark_says(full: DynamoStore) -> None:
    calls = Calls(full)
    (again,) = await full.append("v", keyed("later"))
    assert (again.outcome, again.seq) == (Outcome.REPLAYED, GROUPS // 2 + 1)
    assert [name for name, _ in calls.seen] == ["batch_get_item", "get_item"]


async def test_a_mark_that_is_too_low_is_searched_from(full: DynamoStore) -> None:
    await mark_too_early(full, "later")
    calls = Calls(full)
    (again,) = await full.append("v", keyed("later"))
    assert (again.outcome, again.seq) == (Outcome.REPLAYED, GROUPS // 2 + 1)
    assert len(sweeps(calls)) <= 2


async def test_a_search_goes_over_groups_that_are_gone(full: DynamoStore, table: Table) -> None:
    """The service has not deleted them yet."""
    for one in table.items(log_of("v"))[: GROUPS // 2]:
        table.put({**one, "ttl": n(int(time.time()) - 1)})
    await mark_too_early(full, "later")
    (again,) = await full.append("v", keyed("later"))
    assert (again.outcome, again.seq) == (Outcome.REPLAYED, GROUPS // 2 + 1)


async def test_a_key_that_was_never_stored_is_new(full: DynamoStore) -> None:
    await mark_too_early(full, "nowhere")
    calls = Calls(full)
    (result,) = await full.append("v", keyed("nowhere"))
    assert (result.outcome, result.seq) == (Outcome.NEW, HEAD + 1)
    assert len(sweeps(calls)) >= (GROUPS - 2) // GROUPS_AT_ONCE
    (again,) = await full.append("v", keyed("nowhere"))
    assert (again.outcome, again.seq) == (Outcome.REPLAYED, HEAD + 1)


async def test_a_mark_whose_group_lost_the_race_finds_the_later_one(
    full: DynamoStore, table: Table
) -> None:
    """Another writer is first between the mark and the group."""
    async with opened(table) as other:
        calls = Calls(full)
        calls.hold = lambda name, _: name == "put_item"
        posting = asyncio.ensure_future(full.append("v", keyed("mine")))
        await eventually(lambda: calls.held)
        await other.append("v", keyed("theirs"))
        calls.release()
        (result,) = await posting
        assert result.seq == HEAD + 2
        (again,) = await other.append("v", keyed("mine"))
        assert (again.outcome, again.raw) == (Outcome.REPLAYED, result.raw)


async def test_a_late_mark_of_another_writer_is_only_a_lower_bound(
    full: DynamoStore, table: Table
) -> None:
    """It searched up to an old head, and its put comes after the comment is stored."""
    async with opened(table) as other:
        await full.append("v", keyed("mine"))
        await mark_too_early(other, "mine")
        for store in (other, full):
            (again,) = await store.append("v", keyed("mine"))
            assert (again.outcome, again.seq) == (Outcome.REPLAYED, HEAD + 1)


async def test_a_key_whose_search_does_not_end_fails_alone(
    full: DynamoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it is stored cannot be told, so it is not stored again; the others are."""
    monkeypatch.setattr("writer.dynamodb.keys.SWEEP_WITHIN_S", 0.3)
    await mark_too_early(full, "nowhere")
    calls = Calls(full)
    calls.hold = lambda name, params: name == "query" and "BETWEEN" in str(params)
    group = [*keyed("nowhere"), item("a"), *keyed("b", "later")]
    results = await asyncio.wait_for(full.append("v", group), 20)
    assert [(result.outcome, result.seq) for result in results] == [
        (Outcome.UNDECIDED, 0),
        (Outcome.NEW, HEAD + 1),
        (Outcome.NEW, HEAD + 2),
        (Outcome.REPLAYED, GROUPS // 2 + 1),
    ]
    assert full.stats.unsearched == 1
    calls.release()
    monkeypatch.setattr("writer.dynamodb.keys.SWEEP_WITHIN_S", 60)
    (result,) = await full.append("v", keyed("nowhere"))
    assert (result.outcome, result.seq) == (Outcome.NEW, HEAD + 3)
    assert len(await texts(full)) == HEAD + 3


async def test_a_search_goes_on_where_it_was_given_up(full: DynamoStore) -> None:
    await mark_too_early(full, "nowhere")
    calls = Calls(full)
    calls.refuse = lambda _, __: len(sweeps(calls)) == 2
    with pytest.raises(StoreUnavailable, match="not stored"):
        await full.append("v", keyed("nowhere"))
    calls.release()
    (result,) = await full.append("v", keyed("nowhere"))
    assert (result.outcome, result.seq) == (Outcome.NEW, HEAD + 1)
    swept = 2 + GROUPS_AT_ONCE  # and the group after that is looked at first
    begun = sweeps(calls)[0]["ExpressionAttributeValues"][":first"]["S"]
    assert int(begun) == swept + 2


async def test_marks_that_cannot_be_read_keep_nobody_else_from_being_stored(
    full: DynamoStore,
) -> None:
    calls = Calls(full)
    calls.refuse = lambda _, params: "mark|" in str(params)
    results = await full.append("v", [item("a"), *keyed("b")])
    assert [result.outcome for result in results] == [Outcome.NEW, Outcome.UNDECIDED]


async def test_without_its_mark_no_key_is_stored(full: DynamoStore) -> None:
    calls = Calls(full)
    calls.refuse = lambda name, _: name == "batch_write_item"
    with pytest.raises(StoreUnavailable):
        await full.append("v", keyed("b"))
    assert calls.count("put_item") == 0


async def test_a_mark_that_is_over_counts_as_none(full: DynamoStore, table: Table) -> None:
    """The service may delete it much later; the key may stand for another comment now."""
    (mark,) = table.items("mark|v|later")
    table.put({**mark, "ttl": n(int(time.time()) - 1)})
    (result,) = await full.append("v", keyed("later"))
    assert (result.outcome, result.seq) == (Outcome.NEW, HEAD + 1)
    (again,) = await full.append("v", keyed("later"))
    assert (again.outcome, again.seq) == (Outcome.REPLAYED, HEAD + 1)
