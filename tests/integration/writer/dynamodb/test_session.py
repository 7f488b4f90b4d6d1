"""The way to DynamoDB: bounds, the table, what is counted, and what is not told."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
import structlog

from tests.dynamodb_injector import Fault, Injector
from tests.dynamodb_table import Table
from tests.integration.writer.cassandra.support import item, keyed, texts, until_served
from tests.integration.writer.dynamodb.support import opened
from tests.support import eventually
from wire.errors import StoreUnavailable
from writer.dynamodb.epoch import renew_table_epoch
from writer.dynamodb.errors import ConditionFailed
from writer.dynamodb.items import key, n
from writer.dynamodb.store import DynamoStore
from writer.dynamodb.table import IDENTITY
from writer.store import StoreReplaced, StoreTooNew

EMULATORS = ["dynalite_server", "moto_server"]


@pytest.fixture(params=EMULATORS)
def table(request: pytest.FixtureRequest) -> Table:
    return Table.new(request.getfixturevalue(request.param))


async def test_four_writers_at_once_leave_dense_numbers(table: Table) -> None:
    async def post(store: DynamoStore, name: str) -> None:
        for number in range(10):
            await until_served(
                lambda number=number: store.append(
                    "v", keyed(f"{name}{number}", f"{name}.{number}")
                )
            )

    async with (
        opened(table) as one,
        opened(table) as two,
        opened(table) as three,
        opened(table) as four,
    ):
        stores = {"a": one, "b": two, "c": three, "d": four}
        await asyncio.gather(*(post(store, name) for name, store in stores.items()))
        stored = await texts(one)
        assert len(stored) == len(set(stored)) == 80
        assert sum(store.stats.lost_races for store in stores.values()) > 0


async def test_calls_and_units_are_counted(table: Table) -> None:
    async with opened(table) as store:
        await store.append("v", [item("a")])
        stats = store.session.stats
        assert stats.calls["put_item"] == 1
        assert stats.units["write"] >= 1
        with pytest.raises(ConditionFailed):
            await store.session.change(
                "put_item", Item=IDENTITY, ConditionExpression="attribute_not_exists(pk)"
            )
        assert stats.failed_conditions == 1


async def test_more_calls_than_may_wait_are_not_sent(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(table) as store:
        monkeypatch.setattr("writer.dynamodb.session.MAX_WAITING", 0)
        with pytest.raises(StoreUnavailable, match="too many"):
            await store.session.change("put_item", Item=key("x"))


async def test_a_table_with_other_keys_is_not_used(table: Table) -> None:
    await asyncio.to_thread(
        table.call,
        "create_table",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    store = DynamoStore(table.config)
    with structlog.testing.capture_logs() as logs:
        await store.start()
        await eventually(lambda: any("other keys" in str(one.get("detail")) for one in logs))
        with pytest.raises(StoreUnavailable):
            await store.check()
        await store.stop()
    assert store.links == 0


async def test_a_store_of_another_version_is_not_used(table: Table) -> None:
    async with opened(table) as store:
        epoch = await store.epoch()
    identity = {**IDENTITY, "epoch": {"S": epoch}, "version": n(99)}
    await asyncio.to_thread(table.put, identity)
    told: list[StoreReplaced] = []
    later = DynamoStore(table.config, on_replaced=told.append)
    await later.start()
    await eventually(lambda: bool(told))
    await later.stop()
    assert isinstance(told[0], StoreTooNew)
    assert "version 99" in str(told[0])
    assert later.links == 0


async def test_a_new_epoch_ends_who_still_uses_the_store(table: Table) -> None:
    replaced: list[StoreReplaced] = []
    store = DynamoStore(table.config, on_replaced=replaced.append)
    await store.start()
    await until_served(store.check)
    old, new = await renew_table_epoch(table.config)
    assert old == await store.epoch() != new
    with pytest.raises(StoreReplaced):
        await store.check()
    assert len(replaced) == 1
    await store.stop()
    async with opened(table) as again:
        assert await again.epoch() == new


async def test_what_holds_no_store_gets_no_new_epoch(table: Table) -> None:
    with pytest.raises(StoreUnavailable):
        await renew_table_epoch(table.config)


async def test_without_credentials_a_sentence_says_so(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    store = DynamoStore(table.config)
    with structlog.testing.capture_logs() as logs:
        await store.start()
        await eventually(lambda: any("credentials" in str(one.get("detail")) for one in logs))
        await store.stop()


async def test_credentials_are_never_logged(
    table: Table, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also when the service quotes them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "verysecret")
    async with Injector(table.host, table.port) as injector:
        store = DynamoStore(replace(table, port=injector.port).config)
        injector.pick = lambda _name, _params: Fault(400, "SignatureDoesNotMatch")
        await store.start()
        with pytest.raises(StoreUnavailable):
            await store.check()
        injector.pick = lambda _name, _params: None
        await until_served(store.check)
        await store.stop()
    said = "".join(capfd.readouterr())
    assert "SignatureDoesNotMatch" in said
    assert "AKIAEXAMPLE" not in said
    assert "verysecret" not in said
