"""The DynamoDB store on a service that says no or fails, before it carries a call out or after."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.dynamodb_injector import AWAY, BAD_GATEWAY, BROKEN, THROTTLED, Fault, Injector
from tests.dynamodb_table import Table
from tests.integration.writer.cassandra.support import item, keyed, texts, until_served
from tests.integration.writer.dynamodb.support import opened
from wire.errors import StoreUnavailable
from writer.dynamodb.store import DynamoStore
from writer.stepwise.pausing import SETTLE_WITHIN_S
from writer.store import Outcome

pytestmark = pytest.mark.usefixtures("patient")

EMULATORS = ["dynalite_server", "moto_server"]
FAULTS = [
    replace(fault, after=after) for fault in (THROTTLED, BROKEN, AWAY) for after in (False, True)
]
FAULTS += [BAD_GATEWAY, replace(BAD_GATEWAY, after=True)]


@dataclass
class Link:
    """A store behind an injector, and one straight at the emulator."""

    injector: Injector
    store: DynamoStore
    straight: DynamoStore


@pytest.fixture(params=EMULATORS)
def table(request: pytest.FixtureRequest) -> Table:
    return Table.new(request.getfixturevalue(request.param))


@pytest.fixture
async def link(table: Table) -> AsyncIterator[Link]:
    async with (
        Injector(table.host, table.port) as injector,
        opened(table) as straight,
        opened(replace(table, port=injector.port)) as store,
    ):
        await store.append("v", keyed("first"))
        yield Link(injector, store, straight)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_a_group_is_stored_once_whatever_the_service_says(link: Link, fault: Fault) -> None:
    for number in range(2, 5):
        link.injector.each("PutItem", fault, times=1)
        (result,) = await link.store.append("v", keyed(f"k{number}"))
        assert (result.outcome, result.seq) == (Outcome.NEW, number)
    assert link.injector.injected == 3
    assert link.store.stats.unanswered == 3
    assert link.store.stats.settled["stored" if fault.after else "open"] == 3
    assert await texts(link.straight) == ["first", "k2", "k3", "k4"]


async def test_a_group_that_is_refused_three_times_is_sent_a_fourth_time(link: Link) -> None:
    link.injector.each("PutItem", THROTTLED, times=3)
    (result,) = await link.store.append("v", keyed("a"))
    assert result.seq == 2
    assert link.store.session.stats.throttled == 3


async def test_what_is_never_carried_out_is_told_and_a_retry_stores_it_once(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    link.injector.each("PutItem", THROTTLED)
    with monkeypatch.context() as patch:
        patch.setattr("writer.stepwise.append.SETTLE_WITHIN_S", SETTLE_WITHIN_S)
        with pytest.raises(StoreUnavailable, match="outcome unknown"):
            await link.store.append("v", keyed("a"))
    link.injector.each("PutItem", replace(BROKEN, after=True), times=1)
    results = await link.store.append("v", keyed("a"))
    assert [result.seq for result in results] == [2]
    assert await texts(link.straight) == ["first", "a"]


async def test_another_writers_group_is_told_from_my_own(link: Link) -> None:
    """Mine was not carried out, theirs is stored meanwhile under its number."""

    def pick(operation: str, params: dict[str, Any]) -> Fault | None:
        if operation != "PutItem" or link.injector.injected:
            return None
        return BROKEN

    await link.straight.append("v", keyed("theirs"))
    link.injector.pick = pick
    (result,) = await link.store.append("v", keyed("mine"))
    assert (result.outcome, result.seq) == (Outcome.NEW, 3)
    assert link.store.stats.settled["lost"] == 1
    assert await texts(link.straight) == ["first", "theirs", "mine"]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_reads_and_marks_are_tried_again(link: Link, fault: Fault) -> None:
    for operation in ("Query", "GetItem", "BatchGetItem", "BatchWriteItem"):
        link.injector.each(operation, fault, every=2)
        await link.store.append("v", keyed(operation))
        assert (await link.store.append("v", keyed(operation)))[0].outcome is Outcome.REPLAYED
        await link.store.check()
    link.injector.each("Query", fault, times=1)
    assert await texts(link.store) == await texts(link.straight)
    assert link.store.session.stats.repeated > 0


async def test_without_its_mark_nothing_is_stored(link: Link) -> None:
    link.injector.each("BatchWriteItem", THROTTLED)
    with pytest.raises(StoreUnavailable):
        await link.store.append("v", keyed("a"))
    assert await texts(link.straight) == ["first"]


async def test_batches_that_are_carried_out_in_part_are_completed(link: Link) -> None:
    link.injector.halving = True
    names = [f"k{number}" for number in range(60)]
    await link.store.append("v", keyed(*names))
    again = await link.store.append("v", keyed(*names))
    assert {result.outcome for result in again} == {Outcome.REPLAYED}
    assert link.injector.injected > 4
    assert await texts(link.straight) == ["first", *names]


async def test_a_service_that_refuses_is_told_at_once(link: Link) -> None:
    link.injector.each("PutItem", Fault(400, "AccessDeniedException"))
    with pytest.raises(StoreUnavailable, match="refuses"):
        await link.store.append("v", keyed("a"))
    assert link.store.stats.unanswered == 0
    assert await texts(link.straight) == ["first"]


async def test_four_writers_on_a_failing_service_leave_dense_numbers(
    link: Link, table: Table
) -> None:
    """Each call may fail, before or after it is carried out; every comment is there once."""
    dice = random.Random(7)

    def pick(_operation: str, _params: dict[str, Any]) -> Fault | None:
        return dice.choice(FAULTS) if dice.random() < 0.1 else None

    async def post(store: DynamoStore, name: str) -> None:
        for number in range(8):
            mine = [item(f"{name}-{number}-{index}", f"{name}-{number}-{index}") for index in "ab"]
            for one in await until_served(lambda mine=mine: store.append("v", mine)):
                assert one.outcome in (Outcome.NEW, Outcome.REPLAYED)

    through = replace(table, port=link.injector.port)
    async with opened(through) as second, opened(through) as third:
        link.injector.pick = pick
        stores = {"w": link.store, "x": second, "y": third, "z": link.straight}
        await asyncio.gather(*(post(store, name) for name, store in stores.items()))
    stored = await texts(link.straight)
    assert len(stored) == len(set(stored)) == 1 + 4 * 8 * 2
    assert link.injector.injected > 10
