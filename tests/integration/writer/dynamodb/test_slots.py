"""Slots of slow mode in DynamoDB: used once in a while, over any number of writers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.dynamodb_table import Table
from tests.integration.writer.cassandra.support import item, names
from tests.integration.writer.dynamodb.support import Calls
from tests.support import eventually
from writer.dynamodb.items import number_of
from writer.dynamodb.marks import Mark
from writer.dynamodb.store import DynamoStore
from writer.rules import SettingsChange
from writer.store import Outcome

pytestmark = pytest.mark.usefixtures("patient")

AT = "2030-01-01T00:00:00.000Z"


@pytest.fixture(autouse=True)
async def slow(store: DynamoStore) -> None:
    await store.rule("v", SettingsChange({"slow_mode_s": 30}), AT)


async def post(store: DynamoStore, *authors: str) -> list[str]:
    """A group with one comment of each; what became of them."""
    group = [item(name, author_id=author) for name, author in zip(names(9), authors, strict=False)]
    return [result.outcome.value for result in await store.append("v", group)]


async def test_a_slot_is_used_once_on_two_writers(store: DynamoStore, other: DynamoStore) -> None:
    assert await post(store, "u_ann", "u_ann", "u_bob") == ["new", "refused", "new"]
    assert await post(other, "u_ann", "u_cy") == ["refused", "new"]
    assert await post(store, "u_cy", "u_bob") == ["refused", "refused"]


async def test_an_own_group_is_not_read_to_know_of_its_slots(store: DynamoStore) -> None:
    await post(store, "u_ann")
    calls = Calls(store)
    assert await post(store, "u_ann") == ["refused"]
    assert calls.count("batch_get_item") >= 1
    assert calls.count("query") == 0
    assert all("log|" not in str(params) for name, params in calls.seen if name == "get_item")


async def test_of_two_writers_at_once_one_uses_it(store: DynamoStore, other: DynamoStore) -> None:
    for number in range(10):
        author = f"u_{number}"
        done = await asyncio.gather(post(store, author), post(other, author))
        assert sorted(outcome for (outcome,) in done) == ["new", "refused"]


async def test_a_slot_whose_group_lost_the_race_is_looked_for(
    store: DynamoStore, other: DynamoStore
) -> None:
    """The mark says where it would be, and another writer's group is there."""
    calls = Calls(store)
    calls.hold = lambda name, params: name == "put_item" and "log|" in str(params)
    posting = asyncio.ensure_future(post(store, "u_ann"))
    await eventually(lambda: calls.held)
    await post(other, "u_bob", "u_cy")
    assert await post(other, "u_ann") == ["new"]
    calls.release()
    assert await posting == ["refused"]
    assert set(await post(store, "u_bob", "u_cy", "u_ann")) == {"refused"}


async def test_a_slot_of_a_group_that_was_never_stored_is_free(
    store: DynamoStore, other: DynamoStore
) -> None:
    """Its writer died between the mark and the group."""
    calls = Calls(store)
    calls.hold = lambda name, params: name == "put_item" and "log|" in str(params)
    posting = asyncio.ensure_future(post(store, "u_ann"))
    await eventually(lambda: calls.held)
    posting.cancel()
    assert await post(other, "u_bob") == ["new"]
    assert await post(other, "u_ann") == ["new"]
    assert await post(other, "u_ann") == ["refused"]


async def test_a_late_mark_does_not_bring_an_older_use_back(
    store: DynamoStore, other: DynamoStore, table: Table
) -> None:
    await post(store, "u_ann")
    marks = [one for one in marks_of_slots(table) if number_of(one["claim"])]
    (before,) = marks
    await post(other, "u_bob")
    calls = Calls(other)
    slots: Any = other._decisions._slots
    name = before["pk"]["S"].removeprefix("mark|v|")
    await slots._marks.put_forward("v", {name: (Mark(0, 0, 1, b"late"), 60)})
    (after,) = [one for one in marks_of_slots(table) if one["pk"] == before["pk"]]
    assert after == before
    assert calls.count("put_item") == 1


def marks_of_slots(table: Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.call("scan", ConsistentRead=True)["Items"]
    return [one for one in found if one["pk"]["S"].startswith("mark|v|\x01")]


async def test_what_cannot_be_searched_in_time_counts_as_unused(
    store: DynamoStore, other: DynamoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(store)
    calls.hold = lambda name, params: name == "put_item" and "log|" in str(params)
    posting = asyncio.ensure_future(post(store, "u_ann"))
    await eventually(lambda: calls.held)
    posting.cancel()
    await post(other, "u_bob")
    monkeypatch.setattr("writer.dynamodb.slots.SEARCH_WITHIN_S", 0.1)
    calls = Calls(other)
    calls.hold = lambda name, params: name == "query" and "BETWEEN" in str(params)
    assert await asyncio.wait_for(post(other, "u_ann"), 20) == [Outcome.NEW.value]
    assert calls.held
    calls.release()
